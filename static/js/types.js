/**
 * The shapes of what the dashboard sends: the page's own data, REST answers, Socket.IO messages.
 *
 * @typedef {{name: string, type: "int"|"float"|"text"|"flag"|"choice", default: any, required: boolean,
 *   optional: boolean, title: string, help: string, unit: string, ge: number|null, le: number|null,
 *   max_length: number|null, choices: string[], live: boolean, flags: string[], step: number|null,
 *   advanced: boolean, slider: [number, number]|null, positional?: boolean, multiline?: boolean, secret?: boolean, plain?: string[], several: string[], wants: string}} Field
 * @typedef {{name: string, title: string, help: string, settings: Record<string, any>}} Preset
 * @typedef {{name: string, title: string, unit: string}} Counter
 * @typedef {{name: string, title: string, role: string, help: string, arguments: Field[],
 *   offline?: boolean}} Call an action or a query
 * @typedef {{spark: string, tiles: string[], picture: boolean, template: boolean, quiet: string[],
 *   primary: string, line: string, presets: Preset[], skeleton: boolean, stream: {request: string[], settings: string[]}}} LabView
 * @typedef {{name: string, title: string, summary: string, transport: string, view: LabView,
 *   counters: Counter[], settings: Field[], request: Field[], events: {kind: string, doc: string}[],
 *   actions: Call[], queries: Call[], exports: {name: string, title: string}[], session: boolean,
 *   tools: Tool[]}} Lab
 * @typedef {{name: string, title: string, help: string, role: string, client: string, request: Field[],
 *   primary: string, needs_server: boolean, picture: boolean, events: string[], may?: boolean}} Tool
 * @typedef {{role: "teacher"|"student", name: string, id: string}} Person
 * @typedef {{me: Person|null, lab: Lab|null, instance: Instance|null, class_link: string,
 *   class_mode: boolean, labs: Record<string, {title: string, summary: string, spark: string,
 *   transport: string, port: number}>, tool?: Tool}} Page
 * @typedef {{message: string, hint?: string, field?: string, port?: number|null}} Trouble
 * @typedef {"stopped"|"starting"|"running"|"backoff"|"failed"|"stopping"} State
 * @typedef {{id: string, lab: string, title: string, state: State, settings: Record<string, any>,
 *   address: string, pid: number|null, uptime: number|null, started: number|null, run: number,
 *   owner: string, seed: number|null, counters: Record<string, number>, dropped: number, n: number,
 *   command: string, client_command: string, last_error: Trouble|null, retry_in: number|null,
 *   log_tail: string}} Instance
 * @typedef {{id: string, lab: string, title: string, state: State, address: string, rate: number,
 *   last_error?: Trouble|null}} Summary
 * @typedef {{n: number, t: number, kind: string, text?: string, request?: string, peer?: string,
 *   conn?: string, way?: "to_server"|"to_client", data?: {head: string, size: number}} &
 *   Record<string, any>} Event
 * @typedef {"queued"|"running"|"done"|"failed"|"cancelled"} RequestState
 * @typedef {{id: string, instance: string, person: string, person_id: string, mine?: boolean,
 *   state: RequestState, position: number|null, session: boolean, tool?: string, arguments: Record<string, any>,
 *   command: string, created: number, started: number|null, ended: number|null,
 *   result: Record<string, any>|null, error: string, cut?: Record<string, number>, output: string, first: number|null}} Request
 * @typedef {[number, Record<string, number>]} Second
 * @typedef {{instance: string, state: Instance, counters: Record<string, number>, dropped: number,
 *   n: number, resumed: boolean, events: Event[], series: {marks: Event[], seconds: Second[]},
 *   requests: Request[], people: Record<string, string>}} Snapshot
 * @typedef {{instance: string, n: number, events: Event[], counters: Record<string, number>,
 *   dropped: number, t: number}} Frame
 */
export {};
