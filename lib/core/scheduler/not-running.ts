import { DistributedScheduleError } from '../common/errors.js';

export function leavingError(nodeId: string): DistributedScheduleError {
  return notRunning('This node leaves the cluster; nothing starts on it', nodeId);
}

export function drainedError(nodeId: string): DistributedScheduleError {
  return final('drained, or is being stopped', 'it takes nothing any more', nodeId);
}

export function stoppedError(nodeId: string): DistributedScheduleError {
  return final('stopped', 'its session, watches and connections are gone', nodeId);
}

function final(what: string, why: string, nodeId: string): DistributedScheduleError {
  return notRunning(`This scheduler has been ${what}, which is final: ${why}. Start a new application`, nodeId);
}

function notRunning(message: string, nodeId: string): DistributedScheduleError {
  return new DistributedScheduleError('NOT_RUNNING', message, { nodeId });
}
