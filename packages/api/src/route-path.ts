/** The full path of a route on the server, with `:name` for each parameter: what a router registers. */
export function routePath(route: { base: string; path: string }): string {
  return route.path === "/" ? route.base || "/" : route.base + route.path;
}
