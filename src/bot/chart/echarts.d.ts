/** What is used of the one-file copy: loading that takes a fifth of the time. It has no declarations. */
declare module 'echarts/dist/echarts.esm.min' {
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
