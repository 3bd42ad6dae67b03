import type { Entry } from '../../core/registry/registry.js';
import type { Era } from './etcd-era.js';
import type { EtcdLayout } from './etcd-keys.js';
import type { KeyValue } from './etcd-messages.js';

/** etcd keeps key, value, revision and lease of a document apart, so the value is the document's text and nothing else. */
export function entryOf({ key, value, modRevision, lease }: KeyValue, era: Era, layout: EtcdLayout): Entry {
  const entry = {
    key: layout.documentOf(key),
    value: value.toString(),
    revision: era.nameOf(modRevision),
    token: era.tokenAt(modRevision),
  };
  return lease === '0' ? entry : { ...entry, session: era.nameOf(lease) };
}
