import type { HealthSnapshot, HistoryRecord, TaskView } from 'nestjs-distributed-schedule';
import { html, type Html } from './html.js';

const SHOWN = 12;

/** The whole page. It asks for itself again every second, and for nothing else. */
export function boardPage(health: HealthSnapshot, tasks: { task: TaskView; records: HistoryRecord[] }[]): string {
  const { nodeId, state, registry, running, concurrency } = health;
  const facts = `${state} · registry ${registry.kind} · ${running} of ${concurrency} slots busy`;
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>Tasks · quick start</title>
        <link rel="icon" href="data:," />
        <style>
          :root {
            color-scheme: light dark;
          }
          body {
            font:
              15px/1.5 system-ui,
              sans-serif;
            max-width: 62rem;
            margin: 2.5rem auto;
            padding: 0 1rem;
          }
          h1 {
            font-size: 1.3rem;
            margin: 0;
          }
          main > p {
            opacity: 0.7;
            margin: 0.2rem 0 1.6rem;
          }
          table {
            border-collapse: collapse;
            width: 100%;
          }
          th {
            text-align: left;
            font-weight: 500;
            font-size: 0.85rem;
            opacity: 0.6;
          }
          th,
          td {
            padding: 0.55rem 0.8rem 0.55rem 0;
            border-bottom: 1px solid #8884;
            vertical-align: top;
            font-variant-numeric: tabular-nums;
          }
          small {
            display: block;
            opacity: 0.7;
          }
          i {
            display: inline-block;
            width: 0.55rem;
            height: 1.1rem;
            margin-right: 3px;
            border-radius: 2px;
            background: #999;
          }
          .succeeded {
            background: #2a9d5c;
          }
          .failed,
          .timed-out,
          .lost {
            background: #d64545;
          }
        </style>
      </head>
      <body>
        <main>
          <h1>${tasks.length} tasks on ${nodeId}</h1>
          <p>${facts} · <a href="/health">health</a> · <a href="/tasks">JSON</a></p>
          <table>
            <thead>
              <tr>
                <th>Task</th>
                <th>Schedule</th>
                <th>Next tick</th>
                <th>Last runs, latest first</th>
                <th></th>
              </tr>
            </thead>
            <tbody>
              ${tasks.map(({ task, records }) => row(task, records))}
            </tbody>
          </table>
        </main>
        <script>
          document.addEventListener('click', ({ target: { dataset } }) => {
            if (dataset.run) fetch('/tasks/' + encodeURIComponent(dataset.run) + '/run', { method: 'POST' });
          });
          setInterval(async () => {
            const answer = await fetch('/').catch(() => undefined);
            if (!answer?.ok) return;
            const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
            document.querySelector('main').replaceChildren(...page.querySelector('main').childNodes);
          }, 1000);
        </script>
      </body>
    </html>`.text;
}

function row({ name, source, state, description, scheduleText, nextTick }: TaskView, records: HistoryRecord[]): Html {
  const wait = nextTick && Math.max(0, Math.round((nextTick.getTime() - Date.now()) / 1000));
  const [failure] = records.flatMap((record) => (record.kind === 'run' && record.error ? [record.error.message] : []));
  return html`<tr>
    <td>
      <b>${name}</b>
      <small>${description ?? source}</small>
    </td>
    <td>${scheduleText}</td>
    <td>${wait === undefined ? state : wait === 0 ? 'now' : `in ${wait} s`}</td>
    <td>
      ${records.slice(0, SHOWN).map(bar)}
      <small>${failure && `last failure: ${failure}`}</small>
    </td>
    <td><button data-run="${name}">Run now</button></td>
  </tr>`;
}

function bar(record: HistoryRecord): Html {
  if (record.kind === 'skip')
    return html`<i title="${clockTime(record.from)}, ${record.count} skipped: ${record.reason}"></i>`;
  const { outcome, startedAt, endedAt } = record;
  const from = startedAt ?? endedAt;
  return html`<i class="${outcome}" title="${clockTime(from)} ${outcome} in ${endedAt - from} ms"></i>`;
}

const clockTime = (at: number): string => new Date(at).toTimeString().slice(0, 8);
