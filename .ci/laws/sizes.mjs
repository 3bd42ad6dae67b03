// How long the files of lib are.
const linesOf = ({ text }) => text.split('\n').length - (text.endsWith('\n') ? 1 : 0);

export function checkSizes({ files }, { sizes }) {
  return files
    .filter((file) => linesOf(file) > sizes.limit)
    .map((file) => {
      const message = `${linesOf(file)} lines, ${sizes.limit} are allowed; split it by step`;
      return { file: `lib/${file.path}`, line: sizes.limit + 1, rule: 'file-size', message };
    });
}

export function describeSizes({ files }, { sizes }) {
  if (files.length === 0) return 'lib has no files yet.';
  const lines = files.map(linesOf).sort((a, b) => a - b);
  const share = (part) => lines[Math.min(lines.length - 1, Math.ceil(part * lines.length) - 1)];
  const figures = [
    `median ${share(0.5)} lines (goal ${sizes.medianGoal})`,
    `p90 ${share(0.9)} (goal ${sizes.p90Goal})`,
    `longest ${lines.at(-1)} (limit ${sizes.limit})`,
  ];
  return `lib: ${files.length} files, ${figures.join(', ')}`;
}
