/** What is used of it: its own declarations name files in a way that Node's resolution does not find. */
declare module 'echarts' {
  interface Chart {
    /** @see https://echarts.apache.org/en/option.html */
    setOption(option: object): void;
    renderToSVGString(): string;
    dispose(): void;
  }
  export function init(
    dom: null,
    theme: null,
    options: {
      readonly renderer: 'svg';
      readonly ssr: true;
      readonly width: number;
      readonly height: number;
    },
  ): Chart;
  export function setPlatformAPI(api: {
    readonly measureText: (text: string, font?: string) => { readonly width: number };
  }): void;
}
