/** Best effort: a line that cannot be written is lost, and no verb fails for it. */
export interface Log {
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

export const noLog: Log = { info() {}, error() {} };
