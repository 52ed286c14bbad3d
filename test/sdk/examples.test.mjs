import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { projectFolder, startProduct } from './product.mjs';

const run = promisify(execFile);
const hasCurl = spawnSync('curl', ['--version']).status === 0;

// They take the time of the demo, so all of them run at once.
describe('the examples, as they are', { concurrency: true }, () => {
  let folder;
  let product;
  let options;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'sluice-examples-'));
    cpSync(join(projectFolder, 'examples'), folder, { recursive: true });
    symlinkSync(fileURLToPath(new URL('node_modules', import.meta.url)), join(folder, 'node_modules'), 'junction');
    product = await startProduct(join(projectFolder, 'pipelines'));
    options = { cwd: folder, env: { ...process.env, BASE_URL: product.origin }, timeout: 20_000 };
  });
  after(async () => {
    await product?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('openai-client.mjs prints the text', async () => {
    const { stdout, stderr } = await run(process.execPath, ['openai-client.mjs', 'hello'], options);
    assert.match(stdout, /\w+ \w+/);
    assert.equal(stderr, '');
  });

  for (const example of ['anthropic-client.mjs', 'gemini-client.mjs', 'event-source.mjs']) {
    it(`${example} prints the same text`, async () => {
      const [expected, { stdout, stderr }] = await Promise.all([
        run(process.execPath, ['openai-client.mjs', 'hello'], options),
        run(process.execPath, [example, 'hello'], options),
      ]);
      assert.equal(stdout, expected.stdout);
      assert.equal(stderr, '');
    });
  }

  it('event-source.mjs fails when the product refuses', async () => {
    const env = { ...options.env, BASE_URL: `${product.origin}/nothing-here` };
    await assert.rejects(run(process.execPath, ['event-source.mjs', 'hello'], { ...options, env }), { code: 1 });
  });

  it('curl.sh shows both formats', { skip: !hasCurl && 'there is no curl' }, async () => {
    const { stdout } = await run('bash', ['curl.sh', 'hello'], options);
    assert.match(stdout, /event: stream\.start/);
    assert.match(stdout, /event: stream\.end/);
    assert.match(stdout, /data: \[DONE\]/);
  });
});
