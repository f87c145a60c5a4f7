"""Writes what transformers renders: the expected texts of the tests of chat templates.

    python bench/peers/chat_templates.py server/src/test/resources/dev/yushan/chat

It reads the templates (*.jinja) and expressions.txt (one template a line, with ⏎ for a line break)
and writes cases.json. Made with transformers 5.18.0 and jinja2 3.1.6.
"""

import datetime
import json
import pathlib
import sys

import transformers.utils.chat_template_utils as peer

TOKENS = {"bos_token": "<s>", "eos_token": "</s>"}
TOOLS = [{"type": "function", "function": {
    "name": "get_weather",
    "description": "The weather of a \"city\" <now>, 山",
    "parameters": {"type": "object", "required": ["city"], "properties": {
        "city": {"type": "string", "enum": ["台北", "b&c"]}, "days": {"type": "number", "default": 1.5}}}}}]
CALL = [{"id": "call00001", "type": "function",
         "function": {"name": "get_weather", "arguments": {"city": "台北", "days": 2}}}]
VARIABLES = {"t": True, "n": None, "i": 3, "f": 0.5, "d": {"a": 1, "items": 2}, "s": "a,b c\n", "e": [],
             "z": "山é<>'\"😀\u0001\\"}


class Then(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return cls(2024, 7, 26, 8, 0, 0)


def say(role, content, **more):
    return {"role": role, "content": content, **more}


CONVERSATIONS = {
    "one": {"messages": [say("user", "  玉山有多高? <b>&'\"\n")]},
    "turns": {"messages": [say("system", " Be kind.\n"), say("user", "Hi"),
                           say("assistant", "<think>\nx\n</think>\n\n Yo "), say("user", "Bye")]},
    "answered": {"messages": [say("user", "Hi"), say("assistant", " Yo")], "add_generation_prompt": False},
    "continued": {"messages": [say("user", "Hi"), say("assistant", "Yo, Yo  ")],
                  "add_generation_prompt": False, "continue_final_message": True},
    "tools": {"messages": [say("user", "Weather?")], "tools": TOOLS},
    "called": {"messages": [say("system", "S"), say("user", "Weather?"), say("assistant", "", tool_calls=CALL),
                            say("tool", "{\"t\": 20}", tool_call_id="call00001"),
                            say("tool", "more", tool_call_id="call00001")], "tools": TOOLS},
    "twice": {"messages": [say("user", "a"), say("user", "b")]},
    "no thinking": {"messages": [say("user", "a")],
                    "variables": {"enable_thinking": False, "today": "1 Jan", "in_user_turn": False}},
}


def expected(case, template):
    kwargs = {**TOKENS, **case.get("variables", {})}
    try:
        texts, _ = peer.render_jinja_template(
            [case["messages"]], tools=case.get("tools"), chat_template=template,
            add_generation_prompt=case.get("add_generation_prompt", True),
            continue_final_message=case.get("continue_final_message", False), **kwargs)
        return {"text": texts[0]}
    except Exception as e:  # whatever it is: the test asks that ours fails too
        raised = type(e).__name__ == "TemplateError"
        return {"raised": str(e)} if raised else {"fails": type(e).__name__}


def main(directory):
    peer.datetime = Then
    cases = []
    for file in sorted(directory.glob("*.jinja")):
        for name, conversation in CONVERSATIONS.items():
            case = {"template": file.name, "name": name, **conversation}
            cases.append({**case, **expected(case, file.read_text(encoding="utf-8"))})
    for line in (directory / "expressions.txt").read_text(encoding="utf-8").splitlines():
        case = {"expression": line, "messages": [say("user", " Hi<b> "), say("assistant", "yo")],
                "add_generation_prompt": False, "variables": VARIABLES}
        cases.append({**case, **expected(case, line.replace("⏎", "\n"))})
    lines = ",\n".join(json.dumps(case, ensure_ascii=False) for case in cases)
    (directory / "cases.json").write_text("[\n" + lines + "\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
