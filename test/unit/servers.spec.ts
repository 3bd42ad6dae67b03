import { describe, expect, it } from '@jest/globals';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ownSources, parseSourceLines, parseSourceStanzas, withSuite } from '../support/servers/apt-sources.js';
import { withLock } from '../support/servers/cache.js';
import { findProgram } from '../support/servers/programs.js';
import { redis } from '../support/servers/redis.js';

const lines = `
# deb http://mirror.example/debian bookworm main
deb http://mirror.example/debian bookworm main contrib # the archive
deb-src http://mirror.example/debian bookworm main
deb [ arch=amd64 signed-by=/usr/share/keyrings/a.gpg ] http://mirror.example/security bookworm-security main
deb http://mirror.example/ubuntu noble universe
deb [trusted=yes] http://elsewhere.example/tool bookworm stable
deb http://elsewhere.example/tool bookworm-tool main
`;

const stanzas = `# Written by hand
Types: deb
# http://mirror.example/snapshot
URIs: http://mirror.example/debian
Suites: bookworm
 bookworm-updates
Components: main contrib
Signed-By:
 -----BEGIN PGP PUBLIC KEY BLOCK-----
 .
 abc

Types: deb-src
URIs: http://mirror.example/debian
Suites: bookworm
Components: main

Types: deb
URIs: http://mirror.example/debian
Suites: bookworm-backports
Components: main

Enabled: no
Types: deb
URIs: http://mirror.example/debian
Suites: bookworm
Components: main

Types: deb
URIs: http://elsewhere.example/node
Suites: nodistro
Components: main
`;

describe('the apt sources of a machine', () => {
  it('are read line by line', () => {
    const sources = parseSourceLines(lines);
    expect(sources).toHaveLength(5);
    expect(sources[0]).toMatchObject({ suites: ['bookworm'], components: ['main', 'contrib'] });
    expect(ownSources(sources, 'bookworm').map(({ suites }) => suites)).toEqual([['bookworm'], ['bookworm-security']]);
    expect(sources[1]!.text).toContain('[ arch=amd64 signed-by=/usr/share/keyrings/a.gpg ]');
  });

  it('are read as stanzas, keys and all', () => {
    const sources = parseSourceStanzas(stanzas);
    expect(sources).toHaveLength(3);
    const [own, ...others] = ownSources(sources, 'bookworm');
    expect(own).toMatchObject({ suites: ['bookworm', 'bookworm-updates'], components: ['main', 'contrib'] });
    expect(own!.text).toMatch(/Signed-By:\n -----BEGIN[^]*\n abc$/);
    expect(own!.text).not.toContain('#');
    expect(others).toEqual([]);
  });

  it('count Ubuntu with its one folder per component', () => {
    const text =
      'Types: deb\nURIs: http://mirror.example/ubuntu/\nSuites: noble noble-updates\nComponents: main universe\n';
    expect(ownSources(parseSourceStanzas(text), 'noble')).toHaveLength(1);
    expect(ownSources(parseSourceStanzas(text), 'jammy')).toHaveLength(0);
  });

  it('can be turned to another release', () => {
    const [line] = parseSourceLines('deb [signed-by=/a.gpg] http://mirror.example/debian bookworm main contrib');
    expect(withSuite(line!, 'bullseye').text).toBe(
      'deb [signed-by=/a.gpg] http://mirror.example/debian bullseye main contrib',
    );
    const [stanza] = parseSourceStanzas(stanzas);
    const turned = withSuite(stanza!, 'bullseye');
    expect(parseSourceStanzas(turned.text)[0]).toMatchObject({ suites: ['bullseye'], components: ['main', 'contrib'] });
  });
});

describe('the cache lock', () => {
  it('lets one in at a time, and takes over from an owner that is gone', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'lock-'));
    const path = join(folder, 'lock');
    writeFileSync(path, '999999999');
    let inside = 0;
    const most: number[] = [];
    const work = async (): Promise<void> => {
      most.push(++inside);
      await new Promise((resolve) => setTimeout(resolve, 5));
      inside--;
    };
    await Promise.all([withLock(path, work), withLock(path, work), withLock(path, work)]);
    rmSync(folder, { recursive: true });
    expect(most).toEqual([1, 1, 1]);
  });
});

describe('a server that cannot be had', () => {
  it('fails with everything that was tried', async () => {
    const program = { executable: 'no-such-server', packages: ['no-such-package'], suite: 'no-such-suite' };
    const search = findProgram({ ...redis, name: 'nothing', variable: 'NOTHING_URL', program });
    await expect(search).rejects.toThrow(
      /No nothing server can be had[^]*NOTHING_URL: not set[^]*no-such-server on the PATH: not found[^]*cache [^]*empty[^]*packages: [^]*Docker/,
    );
  }, 60_000);
});
