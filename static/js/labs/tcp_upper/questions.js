/**
 * What is asked before each experiment. The options' names are the outcomes that the experiments report, and some
 * that none does; `why` is what the book says.
 *
 * @typedef {{question: string, options: Record<string, string>, book: string, why: string}} Question
 */

/** @type {Record<string, Question>} */
export const QUESTIONS = {
  names: {
    question: "A server binds the address :: with an IPv6 socket. From where can it be reached?",
    options: { six: "from ::1 only: it is an IPv6 socket", both: "from ::1 and from 127.0.0.1", other: "from neither: :: is no address" },
    book: "both",
    why: ":: is all addresses of the machine, and an IPv6 socket takes IPv4 too, as ::ffff:127.0.0.1, unless IPV6_V6ONLY is set.",
  },
  "two-servers": {
    question: "A TCP server listens on a port. A second one, both with SO_REUSEADDR, binds the same port. What does its bind() say?",
    options: { "in-use": "EADDRINUSE", works: "it works, and both get connections", over: "it works, and the second takes over" },
    book: "in-use",
    why: "With TCP, SO_REUSEADDR helps against TIME-WAIT, not against a server that listens. SO_REUSEPORT shares a port. With UDP it is another story: see the run.",
  },
  "time-wait": {
    question: "A server closes a connection first, then itself. It is started again at once, without SO_REUSEADDR. What does bind() say?",
    options: { works: "it works: nobody listens there any more", "in-use": "EADDRINUSE", waits: "it waits for a minute, then works" },
    book: "in-use",
    why: "Who closes first keeps the connection in TIME-WAIT, so that late segments meet nobody else. The port counts as taken.",
  },
  backlog: {
    question: "A server calls listen(n), but never accept(). More than n + 1 clients connect. What happens to them?",
    options: { none: "connect() waits in all: there is no accept()", refused: "n are connected, the others are refused", stall: "n + 1 are connected, the others wait in silence", all: "all are connected" },
    book: "stall",
    why: "The system makes connections by itself, as many as the queue holds (Linux: n + 1). When it is full, Linux drops the SYN: a client asks again after 1 s, 3 s, 7 s.",
  },
  "non-blocking": {
    question: "On a non-blocking socket nothing has come yet. What does recv(100) do?",
    options: { empty: "it returns b''", eagain: "it fails with EAGAIN", waits: "it waits" },
    book: "eagain",
    why: "b'' is the end of the stream, and this is no end: so it must be an error, «try again».",
  },
  linger: {
    question: "The server sets SO_LINGER to (on, 0 s) and calls close(). What does the client's recv() say?",
    options: { end: "b'': the end of the stream", reset: "ECONNRESET", nothing: "nothing: it waits on" },
    book: "reset",
    why: "With 0 s there is no time to end it in good order: close() sends a reset. An ordinary close() does the same when there are bytes that it never read.",
  },
  "long-line": {
    question: "A line of 26 bytes comes as one UDP datagram. recvfrom(8) gets 8 of them. What does the next recvfrom(8) get?",
    options: { kept: "the next 8 bytes", lost: "nothing: the rest is lost", again: "the same 8 bytes" },
    book: "lost",
    why: "A datagram is whole or cut, never continued. TCP is a stream: there the rest waits for the next recv().",
  },
  nagle: {
    question: "A client sends 5 bytes, then 4 bytes, then waits for the answer to both. Is it faster with TCP_NODELAY?",
    options: { same: "no: nine bytes are nothing", waits: "yes, by about 40 ms each time", slower: "it is slower: two segments instead of one" },
    book: "waits",
    why: "Nagle's algorithm holds the second send until the first is acknowledged, and the other side delays acknowledgements. Neither is wrong; together they wait.",
  },
};
