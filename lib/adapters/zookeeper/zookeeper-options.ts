import type { ConnectionOptions } from 'node:tls';
import {
  resolveAdapterTuning,
  type AdapterTuning,
  type ResolvedAdapterTuning,
} from '../../core/registry/adapter-options.js';
import { placesOf, type ZookeeperPlaces } from './zookeeper-address.js';

export interface ZookeeperAuth {
  username: string;
  password: string;
}

export interface ZookeeperRegistryOptions extends AdapterTuning {
  type?: 'zookeeper';
  /**
   * The servers of the ensemble, and below which node to stay: `'zk1:2181,zk2:2181,zk3:2181/apps/shop'`. The port is
   * 2181 where none is given. The node below which all is kept is made where it is not there yet.
   */
  connect: string;
  /**
   * A user of the `digest` scheme. All nodes are then made for this user only; without it for everybody. All
   * schedulers of a cluster must agree. @default none
   */
  auth?: ZookeeperAuth;
  /** Encrypts the connections, as `tls.connect` takes it: `ca`, `cert`, `key`, `servername`, … `{}` will often do. @default none */
  tls?: ConnectionOptions;
}

/** The options with defaults in place and durations in milliseconds. */
export interface ResolvedZookeeperOptions extends ResolvedAdapterTuning, ZookeeperPlaces {
  readonly auth?: ZookeeperAuth;
  readonly tls?: ConnectionOptions;
}

export function resolveZookeeperOptions(options: ZookeeperRegistryOptions): ResolvedZookeeperOptions {
  const { auth, tls } = options;
  return { ...resolveAdapterTuning(options), ...placesOf(options.connect), ...(auth && { auth }), ...(tls && { tls }) };
}
