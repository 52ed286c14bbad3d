import { describe, expect, it } from '@jest/globals';
import { regionOfOrigin } from '../../../../src/kernel/tokens/aws/aws-region.ts';

describe('the region in an address', () => {
  it.each([
    ['https://bedrock-runtime.us-east-1.amazonaws.com', 'us-east-1'],
    ['https://bedrock-runtime-fips.us-gov-west-1.amazonaws.com', 'us-gov-west-1'],
    ['https://bedrock-runtime.cn-north-1.amazonaws.com.cn', 'cn-north-1'],
    ['https://bedrock-runtime.eu-central-1.api.aws', 'eu-central-1'],
    ['https://vpce-0a1b-c2d3.bedrock-runtime.ap-southeast-2.vpce.amazonaws.com', 'ap-southeast-2'],
    ['https://sts.eu-west-3.amazonaws.com', 'eu-west-3'],
    ['https://sts.amazonaws.com', undefined],
    ['https://us-east-1.amazonaws.com', 'us-east-1'],
    ['https://bedrock-runtime.us-east-1.amazonaws.com.evil.example', undefined],
    ['https://us-east-1.evil-amazonaws.com', undefined],
    ['http://127.0.0.1:8080', undefined],
    ['nothing', undefined],
  ])('%s is %s', (origin, region) => {
    expect(regionOfOrigin(origin)).toBe(region);
  });
});
