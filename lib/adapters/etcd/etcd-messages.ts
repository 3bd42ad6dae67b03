/**
 * The messages of `etcd.proto` as the client library takes and gives them: 64-bit numbers are decimal texts, which may
 * be numbers in a request. A text given for bytes would be read as base64, so bytes are buffers.
 */
export interface KeyValue {
  key: Buffer;
  createRevision: string;
  modRevision: string;
  value: Buffer;
  /** `'0'` where the key is not bound to a lease. */
  lease: string;
}

export interface RangeRequest {
  key: Buffer;
  rangeEnd?: Buffer;
  limit?: number;
  revision?: string;
  keysOnly?: boolean;
  countOnly?: boolean;
}

export interface RangeResponse {
  header: Header;
  kvs: KeyValue[];
  more: boolean;
}

export interface Header {
  revision: string;
}

export interface Compare {
  target: 'CREATE' | 'MOD' | 'VALUE';
  key: Buffer;
  createRevision?: string;
  modRevision?: string;
  value?: Buffer;
}

/** Exactly one of these. */
export interface RequestOp {
  requestRange?: RangeRequest;
  requestPut?: { key: Buffer; value: Buffer; lease?: string };
  requestDeleteRange?: { key: Buffer };
  requestTxn?: TxnRequest;
}

export interface ResponseOp {
  responseRange: RangeResponse | null;
  responsePut: object | null;
  responseDeleteRange: object | null;
  responseTxn: TxnResponse | null;
}

export interface TxnRequest {
  compare: Compare[];
  success: RequestOp[];
  failure?: RequestOp[];
}

export interface TxnResponse {
  /** Null in a transaction inside another one. */
  header: Header | null;
  succeeded: boolean;
  responses: ResponseOp[];
}

/** Exactly one of these. */
export interface WatchRequest {
  createRequest?: { key: Buffer; rangeEnd?: Buffer; startRevision: string; watchId: string; fragment: true };
  cancelRequest?: { watchId: string };
  progressRequest?: object;
}

export interface WatchResponse {
  watchId: string;
  created: boolean;
  canceled: boolean;
  compactRevision: string;
  cancelReason: string;
  /** More of the same revisions follows. */
  fragment: boolean;
  events: { type: 'PUT' | 'DELETE'; kv: KeyValue }[];
}

/** What is asked and what is answered, by method. A stream of one of `Lease/LeaseKeepAlive` counts as a call. */
export interface EtcdCalls {
  'KV/Range': [RangeRequest, RangeResponse];
  'KV/Txn': [TxnRequest, TxnResponse];
  'Lease/LeaseGrant': [{ TTL: number }, { ID: string; TTL: string }];
  'Lease/LeaseRevoke': [{ ID: string }, object];
  'Lease/LeaseKeepAlive': [{ ID: string }, { TTL: string }];
  'Cluster/MemberList': [object, { members: { name: string; isLearner: boolean }[] }];
  'Maintenance/Status': [object, { version: string; dbSize: string; errors: string[]; dbSizeQuota: string }];
  'Auth/Authenticate': [{ name: string; password: string }, { token: string }];
}
