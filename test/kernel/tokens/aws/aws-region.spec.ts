import { describe, expect, it } from '@jest/globals';
import { regionOfOrigin, stsPlace } from '../../../../src/kernel/tokens/aws/aws-region.ts';

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

describe('the Security Token Service', () => {
  it.each([
    ['aws', 'eu-central-1', 'https://sts.eu-central-1.amazonaws.com/', 'eu-central-1'],
    ['aws-us-gov', 'us-gov-west-1', 'https://sts.us-gov-west-1.amazonaws.com/', 'us-gov-west-1'],
    ['aws-cn', 'cn-north-1', 'https://sts.cn-north-1.amazonaws.com.cn/', 'cn-north-1'],
    ['aws-iso', 'us-iso-east-1', 'https://sts.us-iso-east-1.c2s.ic.gov/', 'us-iso-east-1'],
    ['aws-iso-b', 'us-isob-east-1', 'https://sts.us-isob-east-1.sc2s.sgov.gov/', 'us-isob-east-1'],
    ['aws-iso-e', 'eu-isoe-west-1', 'https://sts.eu-isoe-west-1.cloud.adc-e.uk/', 'eu-isoe-west-1'],
    ['aws-iso-f', 'us-isof-south-1', 'https://sts.us-isof-south-1.csp.hci.ic.gov/', 'us-isof-south-1'],
    ['aws-eusc', 'eusc-de-east-1', 'https://sts.eusc-de-east-1.amazonaws.eu/', 'eusc-de-east-1'],
    ['aws', undefined, 'https://sts.amazonaws.com/', 'us-east-1'],
  ])('of roles in %s and the region %s is %s', (partition, known, url, region) => {
    expect(stsPlace(`arn:${partition}:iam::123456789012:role/models`, known)).toEqual({ url, region });
  });

  it('has no global place for roles of another partition', () => {
    expect(() => stsPlace('arn:aws-cn:iam::123456789012:role/models', undefined)).toThrow(
      expect.objectContaining({ code: 'TOKEN_UNAVAILABLE' }),
    );
  });
});
