import type { PatternKind } from './pattern-kind.ts';

/*
 * Secrets that can be told by their form alone. A form without a mark of its own, such as the secret key of AWS or a
 * client secret of Azure, can't: to find it would be to hold back every word.
 */

const key = '[A-Za-z0-9_\\-]';
const notInside = { notAfter: key };
const exact = { notAfter: key, notBefore: key };
/** Longest key that any of these vendors gives out, with room. */
const maxKey = 300;

const longKey = (source: string) => ({ source, ...notInside, maxCharacters: maxKey });
const exactKey = (source: string) => ({ source, ...exact });

/** As much as a server takes in a header. */
const maxToken = 8_192;

/** Examples are put together here, so that no scanner of secrets takes this file for a leak. */
const filler = (length: number): string => 'a1B2c3D4e5F6g7H8i9J0k1L2m3N4p5Q6r7S8t9U0'.repeat(4).slice(0, length);

export const apiKey: PatternKind = {
  name: 'api-key',
  samples: [
    `sk-proj-${filler(48)}`,
    `sk-ant-api03-${filler(95)}`,
    `sk-${filler(48)}`,
    `AIza${filler(35)}`,
    'AKIAIOSFODNN7EXAMPLE',
    `ghp_${filler(36)}`,
    `github_pat_${filler(22)}_${filler(59)}`,
    `glpat-${filler(20)}`,
    `xoxb-123456789012-${filler(24)}`,
    `sk_live_${filler(24)}`,
    `hf_${filler(34)}`,
    `gsk_${filler(52)}`,
    `AccountKey=${filler(86)}==`,
  ],
  sources: [
    // OpenAI (sk-, sk-proj-, sk-svcacct-, sk-admin-), Anthropic (sk-ant-), OpenRouter (sk-or-), DeepSeek and others.
    { ...longKey(`sk-${key}{20}${key}*`), accept: (match) => /[0-9]/.test(match) },
    exactKey('AIza[A-Za-z0-9_\\-]{35}'),
    exactKey('GOCSPX-[A-Za-z0-9_\\-]{28}'),
    exactKey('(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}'),
    longKey('gh[pousr]_[A-Za-z0-9]{36}[A-Za-z0-9]*'),
    longKey('github_pat_[A-Za-z0-9_]{36}[A-Za-z0-9_]*'),
    // GitLab: personal, deploy, runner, job, trigger, feed, mail, agent and application tokens.
    longKey('gl(?:pat|dt|rt|cbt|ptt|ft|imt|agent|oas|soat)-[A-Za-z0-9_.\\-]{19}[A-Za-z0-9_.\\-]*[A-Za-z0-9_\\-]'),
    longKey('xox[a-z](?:\\.xox[bp])?-[A-Za-z0-9\\-]{9}[A-Za-z0-9\\-]*[A-Za-z0-9]'),
    longKey('xapp-[0-9]-[A-Za-z0-9\\-]{19}[A-Za-z0-9\\-]*[A-Za-z0-9]'),
    // Stripe: secret, restricted and signing keys.
    longKey('(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{16}[A-Za-z0-9]*'),
    longKey('whsec_[A-Za-z0-9+/]{32}[A-Za-z0-9+/]*=?'),
    longKey('(?:hf|api_org)_[A-Za-z0-9]{30}[A-Za-z0-9]*'),
    // Groq, xAI, Perplexity, Replicate, Databricks, npm, PyPI, SendGrid, DigitalOcean.
    longKey('gsk_[A-Za-z0-9]{40}[A-Za-z0-9]*'),
    longKey('xai-[A-Za-z0-9]{60}[A-Za-z0-9]*'),
    longKey('pplx-[A-Za-z0-9]{40}[A-Za-z0-9]*'),
    exactKey('r8_[A-Za-z0-9]{37}'),
    exactKey('dapi[0-9a-f]{32}(?:-[0-9])?'),
    exactKey('npm_[A-Za-z0-9]{36}'),
    longKey('pypi-AgE[A-Za-z0-9_\\-]{50}[A-Za-z0-9_\\-]*'),
    exactKey('SG\\.[A-Za-z0-9_\\-]{22}\\.[A-Za-z0-9_\\-]{43}'),
    exactKey('do[opr]_v1_[0-9a-f]{64}'),
    // Azure: keys of storage accounts and of message queues, with the name they have in connection strings.
    { source: 'AccountKey=[A-Za-z0-9+/]{86}==', ...notInside },
    { source: 'SharedAccessKey=[A-Za-z0-9+/]{43}=', ...notInside },
  ],
};

const base64Url = '[A-Za-z0-9_\\-]';

export const jwt: PatternKind = {
  name: 'jwt',
  samples: [
    `eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.${filler(43)}`,
    `eyJhbGciOiJkaXIifQ..${filler(16)}.${filler(40)}.${filler(22)}`,
  ],
  sources: [
    // Signed. A token that is cut off behind its claims counts too: the claims are what must not be seen.
    {
      source: `eyJ${base64Url}{8}${base64Url}*\\.eyJ${base64Url}{8}${base64Url}*(?:\\.${base64Url}+)?`,
      notAfter: base64Url,
      maxCharacters: maxToken,
    },
    // Encrypted: five parts, of which the second may be empty.
    {
      source: `eyJ${base64Url}{8}${base64Url}*\\.${base64Url}*(?:\\.${base64Url}+){3}`,
      notAfter: base64Url,
      maxCharacters: maxToken,
    },
  ],
};

/** Line ends as they are, and as JSON and shells spell them. */
const blank = '(?:[ \\t\\r\\n]|\\\\r|\\\\n)';
const base64 = '[A-Za-z0-9+/=]';

const title = 'PRIVATE KEY';

export const privateKey: PatternKind = {
  name: 'private-key',
  samples: [`-----BEGIN ${title}-----\n${filler(64)}\n${filler(30)}==\n-----END ${title}-----`],
  sources: [
    // The end may be missing, or too far away: then all full lines count.
    {
      source:
        `-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----(?:${blank}+[A-Za-z\\-]+: [A-Za-z0-9,.\\-]+)*` +
        `(?:${blank}+${base64}{20}${base64}*)*(?:${blank}*${base64}*${blank}*-----END (?:[A-Z0-9]+ )*PRIVATE KEY(?: BLOCK)?-----)?`,
      maxCharacters: maxToken,
    },
  ],
};
