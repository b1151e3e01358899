#!/usr/bin/env python3
"""Token ids of the Qwen3 tokenizer, computed from tokenizer.json with the standard library alone.

Run in this folder: `python3 expected_ids.py` writes expected_ids.json.
"""
import gzip
import json
import unicodedata

TEXTS = {
    "empty": "",
    "plain": "Hello, world!",
    "sentence": "A red circle on a blue table, 4K, photorealistic, golden hour.",
    "chat": "<|im_start|>user\na cat<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n",
    "contractions": "I'm sure they'll say it's DON'T, WE'VE, y'all'd've; rock 'n' roll 'twas O'Reilly's 'ſ",
    "punctuation": "¿Qué?! (a)[b]{c}... \"quoted\" — dash–dash; 50% off @home #tag $9.99 ~/path\\file a_b __init__",
    "cjk": "一只可爱的猫坐在窗台上，背景是东京的夜景。カタカナとひらがな、한국어 문장입니다.",
    "other_scripts": "Привет, мир! مرحبا بالعالم שָׁלוֹם नमस्ते दुनिया สวัสดีชาวโลก Καλημέρα",
    "emoji": "A \U0001f600 smile, family \U0001f468‍\U0001f469‍\U0001f467, flag \U0001f1e9\U0001f1ea, thumb \U0001f44d\U0001f3fd ❤️!",
    "decomposed": unicodedata.normalize("NFD", "très beau: café, naïve Ångström, Việt Nam, 한국어") + " é vs é ﬁ",
    "composed": unicodedata.normalize("NFC", "très beau: café, naïve Ångström, Việt Nam, 한국어"),
    "digits": "1234567890 3.14159 1e-6 2024-11-23 １２３ ½ Ⅷ ² ٣٤ 10x5 v2",
    "spaces": "  two leading, tab\tand\t\ttabs   three   end  \u00a0nbsp\u3000wide \u2003em   ",
    "newlines": "one\ntwo\n\nthree\n\n\n four\r\nfive \n \n six\n  \n",
    "special_inside": "a <|im_end|> in a<|endoftext|>prompt <think>hm</think> <|im_start <|vision_pad|><tool_call> |im_end|>",
    "special_and_accents": "e<|im_end|>\u0301e\u0301<think>\u0301",
    "code": "def f(x: int) -> str:\n    if x != 0:\n\treturn f\"{x:>10}\"  # ok\n    return '''a'''\n\n// C++: std::vector<int> v{1,2};",
    "url": "See https://example.com/a/b?q=1&r=two%20words#top or mail me@example.org",
    "long_word": "Donaudampfschifffahrtsgesellschaftskapitänsmütze" + "ha" * 40,
    "controls": "a\u0000b\u001cc\u0085d\u200be\ufefff\u2028g",
}

WHITE_SPACE = set("\t\n\v\f\r \u0085\u00a0\u1680\u2028\u2029\u202f\u205f\u3000") | {chr(c) for c in range(0x2000, 0x200B)}
SUFFIXES = ("s", "t", "re", "ve", "m", "ll", "d")


def letter(c):
    return unicodedata.category(c)[0] == "L"


def number(c):
    return unicodedata.category(c)[0] == "N"


def space(c):
    return c in WHITE_SPACE


def symbol(c):
    return not (space(c) or letter(c) or number(c))


def run(text, start, test):
    end = start
    while end < len(text) and test(text[end]):
        end += 1
    return end


def word_end(text, i):
    """Where the pre-tokeniser's pattern, matched at i, ends: its alternatives in their order."""
    c = text[i]
    if c == "'":
        for suffix in SUFFIXES:
            found = text[i + 1:i + 1 + len(suffix)]
            if len(found) == len(suffix) and found.casefold() == suffix:
                return i + 1 + len(suffix)
    lead = 0 if letter(c) or number(c) or c in "\r\n" else 1
    end = run(text, i + lead, letter)
    if end > i + lead:
        return end
    if number(c):
        return i + 1
    start = i + 1 if c == " " else i
    end = run(text, start, symbol)
    if end > start:
        return run(text, end, lambda x: x in "\r\n")
    end = run(text, i, space)
    last_break = max((k for k in range(i, end) if text[k] in "\r\n"), default=-1)
    if last_break >= 0:
        return last_break + 1
    if end < len(text) and end - i > 1:
        return end - 1
    return end


def byte_letters():
    """The printable character that stands for each byte in the vocabulary."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    table = {b: chr(b) for b in plain}
    for b in range(256):
        if b not in table:
            table[b] = chr(256 + len(table) - len(plain))
    return table


class Tokenizer:
    def __init__(self, content):
        self.vocab = content["model"]["vocab"]
        pairs = (m if isinstance(m, list) else m.split(" ") for m in content["model"]["merges"])
        self.ranks = {tuple(pair): rank for rank, pair in enumerate(pairs)}
        self.added = {t["content"]: t["id"] for t in content["added_tokens"]}
        assert not any(t["normalized"] or t["lstrip"] or t["rstrip"] or t["single_word"] for t in content["added_tokens"])
        self.letters = byte_letters()

    def merge(self, word):
        parts = [self.letters[b] for b in word.encode("utf-8")]
        while len(parts) > 1:
            rank, at = min((self.ranks.get(pair, 1 << 60), i) for i, pair in enumerate(zip(parts, parts[1:])))
            if rank == 1 << 60:
                break
            parts[at:at + 2] = [parts[at] + parts[at + 1]]
        return [self.vocab[part] for part in parts]

    def plain(self, text):
        text = unicodedata.normalize("NFC", text)
        ids, i = [], 0
        while i < len(text):
            end = word_end(text, i)
            ids += self.merge(text[i:end])
            i = end
        return ids

    def encode(self, text):
        ids, begin, i = [], 0, 0
        while i < len(text):
            token = max((t for t in self.added if text.startswith(t, i)), key=len, default=None)
            if token is None:
                i += 1
                continue
            ids += self.plain(text[begin:i]) + [self.added[token]]
            i += len(token)
            begin = i
        return ids + self.plain(text[begin:])


def main():
    with gzip.open("../../../flux2/src/main/resources/io/stencil/flux2/text/qwen3-tokenizer.json.gz", "rt", encoding="utf-8") as file:
        tokenizer = Tokenizer(json.load(file))
    cases = [{"name": name, "text": text, "ids": tokenizer.encode(text)} for name, text in TEXTS.items()]
    with open("expected_ids.json", "w", encoding="utf-8") as file:
        file.write("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")


if __name__ == "__main__":
    main()
