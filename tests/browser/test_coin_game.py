"""The coin game's page: games as they go, where a reader fell out of step, and a game by hand."""

from __future__ import annotations

import random
import re
import socket
import time

from playwright.sync_api import Page, expect

from tests.browser.conftest import PHONE, picture
from tests.browser.test_first_lesson import finished, open_instance
from tests.programs import DEADLINE


class Player:
    """A student's own program: it knows the tosses, and plays as many rounds as it is told to."""

    def __init__(self, instance: dict) -> None:
        host, _, port = instance["address"].rpartition(":")
        self.sock = socket.create_connection((host, int(port)), timeout=DEADLINE)
        found = re.search(rb"\[(.+)\]", self.hear())
        assert found
        second = int(time.mktime(time.strptime(found[1].decode())))
        self.toss = random.Random(second).choice

    def hear(self) -> bytes:
        data = b""
        while b"guess:" not in data and b"Wrong" not in data:
            data += self.sock.recv(512)
        return data

    def play(self, rounds: int) -> None:
        for _ in range(rounds):
            self.sock.send(self.toss(["0", "1"]).encode())
            self.hear()

    def lose(self) -> None:
        self.sock.send(b"0" if self.toss(["0", "1"]) == "1" else b"1")
        self.hear()


def game(page: Page, place: int = 0):
    """A row of the list, the newest first."""
    return page.locator(".coingames > li").nth(place)


def bar(row) -> tuple[float, float]:
    return tuple(row.locator("progress").evaluate("bar => [bar.value, bar.max]"))


def test_progress_follows_the_rounds_and_says_how_a_game_ended(student, board):
    instance = board.create("coin_game", rounds=20, timeout=60, nodelay=True)
    page = open_instance(student, board, instance)
    expect(page.locator("#picture .empty")).to_contain_text("No games yet")
    player = Player(instance)
    with player.sock:
        expect(game(page)).to_contain_text("reads the greeting, then plays 20 rounds")
        player.play(5)
        expect(game(page)).to_contain_text("plays round 6 of 20")
        assert bar(game(page)) == (5, 20)
        player.play(7)
        expect(game(page)).to_contain_text("plays round 13 of 20")
        expect(page.locator('[data-tile="playing"] .value')).to_have_text("1")
        player.lose()
    expect(game(page)).to_contain_text("guessed wrong in round 13 of 20")
    assert bar(game(page)) == (12, 20)
    drawn = [game(page).locator(f"path.{name}").get_attribute("d") or "" for name in ("right", "wrong")]
    assert [drawn[0].count("h.01"), drawn[1].count("M")] == [12, 1]
    with Player(instance).sock:
        expect(game(page, 1)).to_contain_text("guessed wrong")  # the newest stands first
    expect(game(page)).to_contain_text("left in round 1 of 20")
    page.reload()
    expect(page.locator(".coingames > li")).to_have_count(2)
    expect(game(page, 1)).to_contain_text("guessed wrong in round 13 of 20")


def test_the_naive_reader_falls_out_of_step_and_the_page_says_where(teacher, board):
    instance = board.create("coin_game", gap=25)
    page = open_instance(teacher, board, instance)
    page.locator("#request-pause").fill("1500")  # on a busy machine the rules are late
    page.locator("#send").click()
    finished(page)
    found = page.locator("#results .outofstep")
    expect(found.locator("dd").first).to_have_text("Nice job, go on.\\n")
    step = re.search(r"round (\d+)", found.locator("h4").inner_text())
    assert step
    expect(found.locator("dd").last).to_contain_text(f"::::: Round {int(step[1]) + 1} :::::")
    expect(game(page)).to_contain_text("Teacher")
    expect(game(page)).to_contain_text(f"Out of step after the guess of round {step[1]}")
    expect(game(page)).to_contain_text(re.compile(r"recv\(8\) returned [2-4] guesses at once"))
    page.get_by_role("button", name="Together").click()
    page.locator("#control-gap").fill("0")
    expect(page.locator("#control-together")).to_be_checked()
    page.locator("#picture").get_by_role("button", name="Play: naive reader").click()
    expect(page.locator("#results .coinoutcome .verdict")).to_contain_text("Won: 1,000 rounds")
    expect(game(page)).to_contain_text("won 1000 rounds")
    assert bar(game(page)) == (1000, 1000)
    picture(page, "coin_game")


def test_a_person_plays_by_hand_with_the_buttons_and_the_keys(student, board):
    instance = board.create("coin_game", rounds=3, timeout=60, nodelay=True)
    page = open_instance(student, board, instance)
    page.locator("#request-reader").select_option("framed")
    page.locator("#request-by_hand").check()
    page.locator("#send").click()
    mine, hinted = page.locator(".byhandgame"), page.locator('.coinside[data-hinted="true"]')
    expect(mine).to_contain_text("Round 1 of 3")
    expect(game(page)).to_contain_text("Ana")
    expect(page.locator(".coinside").first).to_be_focused()
    page.keyboard.press("s")
    expect(mine).to_contain_text("the coin, seeded with the announced second, tosses")
    hinted.click()
    expect(mine).to_contain_text("Right.")
    expect(mine).to_contain_text("Round 2 of 3")
    expect(mine.locator(".pieces")).to_contain_text("Nice job, go on.\\n")
    expect(game(page)).to_contain_text("plays round 2 of 3")
    picture(page, "coin_game-by-hand")
    page.set_viewport_size(PHONE)
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    page.keyboard.press("s")
    expect(hinted).to_have_count(1)
    page.keyboard.press(hinted.get_attribute("data-side") or "")
    expect(mine).to_contain_text("Round 3 of 3")
    page.locator("#session-text").fill("s")  # the session's own line does the same
    page.locator("#session-text").press("Enter")
    expect(hinted).to_have_count(1)
    hinted.click()
    expect(mine).to_contain_text("You have won. The flag is CCTF{no_message_boundary}.")
    expect(page.locator(".coinside").first).to_be_disabled()
    finished(page)
    expect(game(page)).to_contain_text("won 3 rounds")
