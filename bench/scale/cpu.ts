/** How much of a processor this process has had, in milliseconds: on a shared machine it says more than what a clock says. */
export function cpuMs(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
}
