import { init, setPlatformAPI } from 'echarts/dist/echarts.esm.min';
import { FONT, INK, MUTED, RULE, TONES } from './look.ts';
import type { ListPanel, Panel, StatsPicture, TimePanel } from './picture.ts';

/** Letters stay readable when a phone shows the picture at a third of its size. */
const LABEL = { fontFamily: FONT, fontSize: 24, color: MUTED } as const;

/** The labels of the axes lie inside of the given margins. */
const GRID = { outerBoundsMode: 'same', outerBoundsContain: 'axisLabel' } as const;

/** Labels that fit under each other's bars. */
const MOST_LABELS = 7;

/** The mean width of a letter of the font, of its size: there is no canvas to ask for more. */
const LETTER_WIDTH = 0.62;

function measureText(text: string, font?: string): { width: number } {
  const size = Number(/(\d+(?:\.\d+)?)px/.exec(font ?? '')?.[1] ?? LABEL.fontSize);
  return { width: text.length * LETTER_WIDTH * size };
}

/** One panel as SVG, without its heading. */
export function drawPanel(
  panel: Panel,
  size: { readonly width: number; readonly height: number },
  locale: StatsPicture['locale'],
): string {
  setPlatformAPI({ measureText });
  const chart = init(null, null, { renderer: 'svg', ssr: true, ...size });
  chart.setOption(panel.kind === 'time' ? timeOption(panel, locale) : listOption(panel));
  const svg = chart.renderToSVGString();
  chart.dispose();
  return svg;
}

function timeOption(panel: TimePanel, locale: string): object {
  const { labels, series, whole } = panel;
  const axisNumber = new Intl.NumberFormat(locale, { notation: 'compact' });
  const every = Math.ceil(labels.length / MOST_LABELS);
  // From the right: today always has its label.
  const shown = (index: number) => (labels.length - 1 - index) % every === 0;
  // The title says what a single series is.
  const hasLegend = series.length > 1;
  return {
    animation: false,
    textStyle: { fontFamily: FONT },
    grid: { ...GRID, left: 12, right: 24, top: 16, bottom: hasLegend ? 46 : 4 },
    legend: {
      show: hasLegend,
      bottom: 0,
      left: 12,
      itemGap: 36,
      itemWidth: 26,
      itemHeight: 26,
      icon: 'roundRect',
      textStyle: { ...LABEL, color: INK },
      data: series.map(({ name }) => name),
    },
    xAxis: {
      type: 'category',
      data: [...labels],
      axisTick: { show: false },
      axisLine: { lineStyle: { color: RULE, width: 2 }, onZero: true },
      axisLabel: { ...LABEL, margin: 16, interval: shown, hideOverlap: false },
    },
    yAxis: {
      type: 'value',
      splitNumber: 2,
      ...(whole ? { minInterval: 1 } : {}),
      splitLine: { lineStyle: { color: RULE, width: 2 } },
      axisLabel: {
        ...LABEL,
        formatter: (value: number) => axisNumber.format(value).replace('-', '−'),
      },
    },
    series: series.map(({ name, tone, shape, values }) => ({
      name,
      data: [...values],
      itemStyle: { color: TONES[tone], ...(shape === 'line' ? {} : { borderRadius: 5 }) },
      ...(shape === 'line'
        ? {
            type: 'line',
            lineStyle: { color: TONES[tone], width: 6 },
            symbol: 'circle',
            symbolSize: 16,
            // A value between two gaps is nothing but its symbol.
            showSymbol: labels.length <= 12 || values.includes(null),
            connectNulls: true,
            smooth: 0.2,
            smoothMonotone: 'x',
          }
        : {
            type: 'bar',
            barMaxWidth: 64,
            barCategoryGap: '28%',
            ...(shape === 'stacked' ? { stack: 'all' } : {}),
          }),
    })),
  };
}

function listOption({ bars }: ListPanel): object {
  const largest = Math.max(1, ...bars.map(({ value }) => Math.abs(value)));
  return {
    animation: false,
    textStyle: { fontFamily: FONT },
    // Room for the value behind the longest bar.
    grid: { ...GRID, left: 12, right: 190, top: 8, bottom: 8 },
    xAxis: { type: 'value', show: false, min: 0, max: largest },
    yAxis: {
      type: 'category',
      inverse: true,
      data: bars.map(({ label }) => label),
      axisTick: { show: false },
      axisLine: { show: false },
      axisLabel: { ...LABEL, fontSize: 26, color: INK, margin: 20 },
    },
    series: [
      {
        type: 'bar',
        barMaxWidth: 44,
        barMinHeight: 6,
        data: bars.map(({ value, text, tone }) => ({
          value: Math.abs(value),
          itemStyle: { color: TONES[tone], borderRadius: 8 },
          label: { ...LABEL, fontSize: 26, color: INK, formatter: text },
        })),
        label: { show: true, position: 'right', distance: 16 },
      },
    ],
  };
}

/** Whether there is nothing to see. */
export function isEmpty(panel: Panel): boolean {
  return panel.kind === 'time'
    ? panel.series.every(({ values }) => values.every((value) => value === 0 || value === null))
    : panel.bars.every(({ value }) => value === 0);
}
