/** The games of one server, as its events tell them, and where a client of ours fell out of step. Pure. */

/** @typedef {import("../../types.js").Event} Event */
/** @typedef {{t: number, round: number, right: boolean, toss: string}} Toss */
/**
 * @typedef {{key: string, conn: string, peer: string, request: string, began: number, last: number, seed: number, rounds: number, framing: string, round: number, right: number,
 *   first: Toss|null, tosses: Toss[], silence: number, ending: ""|"won"|"wrong"|"timeout"|"left"|"refused"|"cut", seconds: number, glued: {round: number, guesses: number, got: string}|null,
 *   step: {round: number, got: string, wanted: string}|null}} Game `round` is the newest that was told; `ending` is empty while it goes on,
 *   "cut" where the server itself ended
 */

export const GAMES = 300;
export const TOSSES = 60;

/** All games, the newest last. */
export class Model {
  /** @type {Game[]} in the order in which they began */
  games = [];
  /** @type {Map<string, Game>} by the player's address: that of the newest game */
  #players = new Map();
  /** @type {Map<string, {own: string, request: string}>} a client's own address, by its name for the connection */
  #own = new Map();
  /** @type {Map<string, string>} the test request, by its client's own address */
  #requests = new Map();
  /** @type {Map<string, Game["step"]>} by the player's address: what was told before its game was */
  #steps = new Map();
  /** When the newest event happened. */
  last = 0;

  /** @param {Event[]} events @returns {boolean} whether there was something about games in it */
  add(events) {
    let some = false;
    for (const event of events) {
      const used = this.#take(event);
      if (used) this.last = Math.max(this.last, event.t);
      some ||= used;
    }
    const over = this.games.length - GAMES;
    if (over > 0) for (const game of this.games.splice(0, over)) if (this.#players.get(game.peer) === game) this.#players.delete(game.peer);
    return some;
  }

  clear() {
    this.games = [];
    this.#players.clear();
    this.#own.clear();
    this.#requests.clear();
    this.#steps.clear();
    this.last = 0;
  }

  /** @param {Event} event */
  #take(event) {
    switch (event.kind) {
      case "server_listening":
        for (const game of this.games) if (!game.ending) Object.assign(game, { ending: "cut", seconds: game.last - game.began });
        return true;
      case "connection_opened":
        if (event.conn?.startsWith("client-") && event.own) this.#named(event.conn, event.own, event.request ?? "");
        return false;
      case "coin_game_started":
        this.#begin(event);
        return true;
      case "coin_round":
        this.#tossed(event);
        return true;
      case "coin_guesses_glued":
        this.#game(event).glued = { round: event.round, guesses: event.guesses, got: event.got };
        return true;
      case "coin_game_ended":
        this.#end(event);
        return true;
      case "coin_out_of_step":
        this.#stepped(event);
        return true;
      default:
        return false;
    }
  }

  /** A client of ours has told its own address: its server calls it so. @param {string} conn @param {string} own @param {string} request */
  #named(conn, own, request) {
    this.#own.set(conn, { own, request });
    this.#requests.set(own, request);
    this.#steps.delete(own);
    const game = this.#players.get(own);
    if (game && !game.request) game.request = request;
    for (const map of [this.#own, this.#requests]) if (map.size > GAMES) map.delete(/** @type {string} */ (map.keys().next().value));
  }

  /** @param {Event} event @returns {Game} */
  #begin(event) {
    const { conn = "", peer = "", seed = 0, rounds = 0, framing = "article" } = event;
    /** @type {Game} */
    const game = {
      key: `${conn} ${peer} ${event.t}`, conn, peer, request: this.#requests.get(peer) ?? "", began: event.t, last: event.t, seed, rounds, framing,
      round: 0, right: 0, first: null, tosses: [], silence: 0, ending: "", seconds: 0, glued: null, step: this.#steps.get(peer) ?? null,
    };
    this.#steps.delete(peer);
    this.#players.set(peer, game);
    this.games.push(game);
    return game;
  }

  /** The game of an event; made if its beginning is not known. @param {Event} event */
  #game(event) {
    const known = this.#players.get(event.peer ?? "");
    const game = known && known.conn === event.conn && !known.ending ? known : this.#begin(event);
    game.last = Math.max(game.last, event.t);
    return game;
  }

  /** @param {Event} event */
  #tossed(event) {
    const { round = 0, right = false, toss = "" } = event;
    const game = this.#game(event);
    game.round = round;
    game.right = right ? round : round - 1;
    const told = { t: event.t, round, right, toss };
    game.first ??= told;
    game.tosses.push(told);
    if (game.tosses.length > TOSSES) game.tosses.shift();
  }

  /** @param {Event} event */
  #end(event) {
    const game = this.#game(event);
    Object.assign(game, { ending: event.ending, round: event.rounds, right: event.right, seconds: event.seconds, silence: event.silence ?? 0, began: event.t - event.seconds });
  }

  /** Told by a client of ours: its server's name for it is the address that it has itself. @param {Event} event */
  #stepped(event) {
    const own = this.#own.get(event.conn ?? "")?.own;
    if (!own) return;
    const step = { round: event.round, got: event.got, wanted: event.wanted };
    const game = this.#players.get(own);
    if (game) game.step = step;
    else this.#steps.set(own, step);
  }

  /** How many are being played. */
  get playing() {
    return this.games.reduce((sum, game) => sum + Number(!game.ending), 0);
  }
}

/** Rounds a second between those that were told: of all of them once it is over, else of late. 0: not known. @param {Game} game */
export function rate(game) {
  const from = game.ending ? game.first : game.tosses[0];
  const to = game.tosses.at(-1);
  if (!from || !to || to.t <= from.t) return 0;
  return (to.round - from.round) / (to.t - from.t);
}
