/** How many frames went each way. */
export type FrameWays = Readonly<Record<'pass' | 'scan' | 'splice' | 'slow', number>>;
export const frameWayNames = ['pass', 'scan', 'splice', 'slow'] as const;
