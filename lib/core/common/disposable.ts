/** Something to give back: a timer, a watch, a subscription. Disposing twice is harmless. */
export interface Disposable {
  dispose(): void;
}
