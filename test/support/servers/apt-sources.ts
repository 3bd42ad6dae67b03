/**
 * Reads where the machine gets its own packages from, so that a private apt can use the same place. Both formats are
 * understood: `sources.list` with one line per source, and deb822 (`*.sources`) with one stanza per source.
 */

export interface AptSource {
  readonly format: 'line' | 'deb822';
  readonly text: string;
  readonly suites: string[];
  readonly components: string[];
}

export function parseSourceLines(text: string): AptSource[] {
  return text.split('\n').flatMap((line) => {
    const match = LINE.exec(line);
    if (!match) return [];
    const components = match[4]!.trim().split(/\s+/).filter(Boolean);
    return [{ format: 'line', text: line.trim(), suites: [match[3]!], components }];
  });
}

export function parseSourceStanzas(text: string): AptSource[] {
  return text
    .split(/\n[ \t]*\n/)
    .map((stanza) => stanza.replace(/^#.*\n?/gm, '').trim())
    .filter((stanza) => words(stanza, 'Types').includes('deb') && !/^Enabled:\s*(no|false)\s*$/im.test(stanza))
    .map((stanza) => ({
      format: 'deb822',
      text: stanza,
      suites: words(stanza, 'Suites'),
      components: words(stanza, 'Components'),
    }));
}

/** The distribution's own sources: third parties name their suites or components otherwise. */
export function ownSources(sources: AptSource[], codename: string): AptSource[] {
  const own = new Set(['', '-updates', '-security', '/updates'].map((ending) => codename + ending));
  return sources.filter(
    ({ suites, components }) =>
      components.includes('main') && suites.every((suite) => own.has(suite)) && suites.length > 0,
  );
}

/** The same place, another release of the distribution. */
export function withSuite(source: AptSource, suite: string): AptSource {
  const text =
    source.format === 'deb822'
      ? source.text.replace(/^Suites:.*(?:\n[ \t].*)*/im, `Suites: ${suite}`)
      : source.text.replace(
          LINE,
          (_line, type: string, uri: string, _suite: string, rest: string) => `${type}${uri}${suite}${rest}`,
        );
  return { ...source, text, suites: [suite] };
}

// deb [options] uri suite components
const LINE = /^\s*(deb\s+(?:\[[^\]]*\]\s+)?)(\S+\s+)(\S+)(\s+[^#]*)/;

const words = (stanza: string, field: string): string[] =>
  (new RegExp(`^${field}:[ \\t]*(.*(?:\\n[ \\t].*)*)`, 'im').exec(stanza)?.[1] ?? '').split(/\s+/).filter(Boolean);
