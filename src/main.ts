import process from 'node:process';

const minimum = [24, 15] as const;
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < minimum[0] || (major === minimum[0] && minor < minimum[1])) {
  process.stderr.write(
    `Sluice needs Node ${minimum.join('.')} or newer, this is ${process.versions.node}. "npm start" uses the one that comes with the project.\n`,
  );
  process.exit(2);
}
const { serve } = await import('./cli/serve.ts');
await serve();
