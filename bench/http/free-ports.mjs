// Prints N free ports of loopback, one a line; all are held until the last is known, so that they differ.
import { createServer } from 'node:net';

const listen = () => new Promise((resolve, reject) => {
  const server = createServer();
  server.once('error', reject);
  server.listen(0, '127.0.0.1', () => resolve(server));
});

const held = await Promise.all(Array.from({ length: Number(process.argv[2]) }, listen));
for (const server of held) console.log(server.address().port);
for (const server of held) server.close();
