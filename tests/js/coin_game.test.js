import assert from "node:assert/strict";
import { test } from "node:test";
import { GAMES, Model, rate, TOSSES } from "../../static/js/labs/coin_game/model.js";
import { callsWords } from "../../static/js/labs/coin_game/outcome.js";
import { paths, STEP } from "../../static/js/labs/coin_game/strip.js";
import { callWords, turnWords } from "../../static/js/labs/coin_game/turn.js";
import { stateWords, streamWords } from "../../static/js/labs/coin_game/words.js";

/** @param {string} kind @param {number} t @param {object} [more] @returns {any} */
const event = (kind, t, more = {}) => ({ n: 0, kind, t, conn: "c1", peer: "p:1", ...more });
const started = (/** @type {number} */ t, more = {}) => event("coin_game_started", t, { seed: 7, rounds: 1000, framing: "article", ...more });
const round = (/** @type {number} */ t, /** @type {number} */ number, right = true, more = {}) => event("coin_round", t, { round: number, guess: "1", toss: right ? "1" : "0", right, ...more });
const ended = (/** @type {number} */ t, /** @type {string} */ ending, more = {}) => event("coin_game_ended", t, { ending, rounds: 7, right: 6, seconds: 0.62, ...more });
const own = (/** @type {number} */ t, more = {}) => event("connection_opened", t, { conn: "client-1", peer: "server:1", own: "p:1", request: "r9", ...more });

test("a game goes on from round to round, and ends", () => {
  const model = new Model();
  model.add([started(1)]);
  assert.equal(stateWords(model.games[0]), "reads the greeting, then plays 1000 rounds");
  model.add([round(2, 1), round(2.1, 2), round(2.2, 3)]);
  assert.equal(stateWords(model.games[0]), "plays round 4 of 1000");
  assert.equal(model.playing, 1);
  model.add([ended(3, "wrong")]);
  assert.equal(stateWords(model.games[0]), "guessed wrong in round 7 of 1000");
  assert.equal(model.playing, 0);
  assert.equal(model.games.length, 1);
});

test("rounds that were not told are seen as such, and do no harm to the progress", () => {
  const model = new Model();
  model.add([started(1), round(2, 1), round(2.1, 2), round(3, 400), round(3.1, 401)]);
  const [game] = model.games;
  assert.deepEqual([game.round, game.right], [401, 401]);
  assert.equal((paths(game.tosses).gaps.match(/M/g) ?? []).length, 1);
  assert.ok(Math.abs(rate(game) - 400 / 1.1) < 1);
});

test("a game whose beginning was not told is one all the same", () => {
  const model = new Model();
  model.add([round(2, 40), ended(3, "won", { rounds: 1000, right: 1000, seconds: 0.62 })]);
  assert.equal(model.games.length, 1);
  assert.equal(stateWords(model.games[0]), "won 1000 rounds, connected for 620 ms");
});

test("every ending has its words", () => {
  const words = (/** @type {string} */ ending, more = {}) => {
    const model = new Model();
    model.add([started(1), ended(2, ending, more)]);
    return stateWords(model.games[0]);
  };
  assert.equal(words("timeout", { silence: 3, seconds: 9 }), "fell silent for 3 s, in round 7 of 1000");
  assert.equal(words("timeout", { rounds: 0, silence: 3 }), "fell silent for 3 s, in the greeting");
  assert.equal(words("left"), "left in round 7 of 1000");
  assert.equal(words("refused"), "was turned away: all places are taken");
  assert.equal(words("won", { right: 1, seconds: 1.26 }), "won 1 round, connected for 1.3 s");
});

test("a server that starts anew has nobody playing", () => {
  const model = new Model();
  model.add([started(1), round(2, 1), event("server_listening", 9), started(10), round(11, 1)]);
  assert.deepEqual(model.games.map((game) => game.ending), ["cut", ""]);
});

test("a client of ours is known by its own address, whichever end tells first", () => {
  for (const events of [[own(1), started(1), event("coin_out_of_step", 2, { conn: "client-1", peer: "server:1", round: 1, got: "a", wanted: "b" })],
    [own(1), event("coin_out_of_step", 2, { conn: "client-1", peer: "server:1", round: 1, got: "a", wanted: "b" }), started(1)],
    [started(1), own(1), event("coin_out_of_step", 2, { conn: "client-1", peer: "server:1", round: 1, got: "a", wanted: "b" })]]) {
    const model = new Model();
    model.add(events);
    const [game] = model.games;
    assert.equal(game.request, "r9");
    assert.deepEqual(streamWords(game), ["Out of step after the guess of round 1: recv() returned «a», not «b»."]);
  }
});

test("the same port again is another game", () => {
  const model = new Model();
  model.add([own(1), started(1), ended(2, "won"), own(3, { request: "r10" }), started(3, { conn: "c2" }), round(4, 1, true, { conn: "c2" })]);
  assert.deepEqual(model.games.map((game) => [game.conn, game.request, game.round]), [["c1", "r9", 7], ["c2", "r10", 1]]);
});

test("glued guesses are told in words", () => {
  const model = new Model();
  model.add([started(1), event("coin_guesses_glued", 2, { round: 3, guesses: 2, got: "1\\n0\\n" })]);
  assert.deepEqual(streamWords(model.games[0]), ["In round 3 the server's recv(8) returned 2 guesses at once, «1\\n0\\n»: taken for one."]);
});

test("right and wrong differ in shape, heads and tails in place", () => {
  const toss = (/** @type {number} */ n, right = true, side = "1") => ({ t: n, round: n, right, toss: side });
  const drawn = paths([toss(1), toss(2, true, "0"), toss(3, false)]);
  assert.equal((drawn.right.match(/h\.01/g) ?? []).length, 2);
  assert.match(drawn.right, /^M3 5h\.01M9 13h\.01$/);
  assert.match(drawn.wrong, /^M12 2l6 6m0 -6l-6 6$/);
  assert.equal(drawn.width, 3 * STEP + 2);
});

test("memory is bounded", () => {
  const model = new Model();
  for (let i = 0; i < 2 * GAMES; i += 1) model.add([started(i, { conn: `c${i}`, peer: `p:${i}` }), ...Array.from({ length: 3 }, (_, n) => round(i, n + 1, true, { conn: `c${i}`, peer: `p:${i}` }))]);
  assert.equal(model.games.length, GAMES);
  model.add(Array.from({ length: 500 }, (_, n) => round(1000 + n, n + 4, true, { conn: `c${2 * GAMES - 1}`, peer: `p:${2 * GAMES - 1}` })));
  assert.equal(model.games.at(-1)?.tosses.length, TOSSES);
});

test("a turn by hand in words", () => {
  const turn = { round: 2, rounds: 10, guess: "1", toss: "0", right: false, came: ["Wrong :(\\n"], recv_calls: 1, over: true, flag: "", note: "", hint: "", why: "" };
  assert.equal(turnWords(turn), "You said 1, heads. The coin: 0, tails. Wrong.");
  assert.equal(turnWords({ ...turn, toss: "", right: null }), "You said 1, heads. No verdict was read.");
  assert.equal(turnWords({ ...turn, guess: "" }), "");
  assert.deepEqual([callWords(turn), callWords({ ...turn, recv_calls: 3 })], ["It came with one recv():", "It took 3 recv() calls:"]);
});

test("calls and messages in words", () => {
  const result = /** @type {any} */ ({ recv_calls: 26, joined: 5, cut: 6, received: 900 });
  assert.equal(callsWords(result), "26 recv() calls returned 900 bytes; 5 held bytes of more than one message; 6 began in the middle of one.");
  assert.equal(callsWords({ ...result, recv_calls: 0 }), "No recv() returned anything.");
});
