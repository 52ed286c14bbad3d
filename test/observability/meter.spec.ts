import { describe, expect, it } from '@jest/globals';
import { NumberMeter } from '../../src/observability/meter.ts';

describe('the meter', () => {
  it('adds up, also downwards', () => {
    const meter = new NumberMeter();
    meter.count('runs');
    meter.count('runs');
    meter.count('bytes', 10);
    meter.count('open', 1);
    meter.count('open', -1);
    expect(meter.snapshot()).toEqual({ bytes: 10, open: 0, runs: 2 });
    expect(Object.keys(meter.snapshot())).toEqual(['bytes', 'open', 'runs']);
    expect([meter.value('runs'), meter.value('never')]).toEqual([2, 0]);
  });

  it('gives a copy that stays as it is', () => {
    const meter = new NumberMeter();
    meter.count('runs');
    const before = meter.snapshot();
    meter.count('runs');
    expect(before).toEqual({ runs: 1 });
  });

  it('holds a bounded number of names', () => {
    const meter = new NumberMeter();
    for (let index = 0; index < 2_000; index += 1) meter.count(`name_${index}`);
    meter.count('name_0');
    expect(Object.keys(meter.snapshot())).toHaveLength(1_025);
    expect([meter.value('name_0'), meter.value('meter_names_dropped')]).toEqual([2, 976]);
  });

  it('takes any name', () => {
    const meter = new NumberMeter();
    meter.count('__proto__');
    meter.count('constructor');
    expect([meter.value('__proto__'), meter.value('constructor'), meter.value('toString')]).toEqual([1, 1, 0]);
  });
});
