/** A number with what it is, as large as fits. */
export interface Tile {
  readonly label: string;
  readonly value: string;
  readonly tone?: Tone;
}

/** What a colour stands for. */
export type Tone = 'margin' | 'cost' | 'refunds' | 'orders' | 'people' | 'render';

/** Bars over time, some of them on top of each other, and lines across them; one alone is smaller. */
export interface TimePanel {
  readonly kind: 'time';
  readonly title: string;
  /** Under the bars; the same number as there are values in each series. */
  readonly labels: readonly string[];
  readonly series: readonly {
    readonly name: string;
    readonly tone: Tone;
    readonly shape: 'bar' | 'stacked' | 'line';
    /** Null where nothing is known. */
    readonly values: readonly (number | null)[];
  }[];
  /** Whether values are counts: the axis then has whole numbers only. */
  readonly whole: boolean;
  /** Said in the middle when all values are zero or unknown. */
  readonly nothing: string;
}

/** One bar a line, for what has no course over time. */
export interface ListPanel {
  readonly kind: 'list';
  readonly title: string;
  readonly bars: readonly {
    readonly label: string;
    readonly value: number;
    /** The value as it is written. */
    readonly text: string;
    readonly tone: Tone;
  }[];
  readonly nothing: string;
}

export type Panel = TimePanel | ListPanel;

/** A picture for a chat, all words in it: a heading, tiles in rows of three, panels below each other. */
export interface StatsPicture {
  readonly title: string;
  readonly subtitle: string;
  readonly tiles: readonly Tile[];
  readonly panels: readonly Panel[];
  /** For the numbers on the axes. */
  readonly locale: 'en' | 'ru';
}
