//! Random expressions: whole ones, and some that are broken by a mutation.

use std::fmt::Write as _;

use serde_json::json;

/// Numbers that look random and are the same for the same seed (xorshift64*).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() >> 33).unwrap_or_default() % limit.max(1)
    }

    fn of<'t>(&mut self, all: &[&'t str]) -> &'t str {
        all.get(self.below(all.len())).copied().unwrap_or_default()
    }

    fn one_in(&mut self, chance: usize) -> bool {
        self.below(chance) == 0
    }
}

const CONTEXTS: &[&str] = &[
    r#"{"a":{"x":1,"Y":null,"l":[[1,2],[3],4,{"k":5}],"o":{"p":{"n":1},"q":{"m":2},"r":7}},"b":{}}"#,
    r#"{"a":{"s":"Hello","t":"hello world","n":1.5,"t1":true,"f":false,"e":"","z":0},"b":{"k":[],"o":{}},"GitHub":{"ref":"refs/heads/main"}}"#,
    r#"{"a":{"l":["a","B","c","a"],"k":[0,-1,"1",null,true,""],"s":"b"},"b":{"x":{"n":[1,2,3]},"Y":{"n":["x"]}}}"#,
    r#"{"a":{"n":1e15,"m":0.1,"x":-0.5,"big":123456789012345680000,"tiny":1e-7},"b":{"s":"0x1F","t":" 12 ","e":"1e3"}}"#,
    r#"{"a":{"s":"ÄÖü ß","t":"straße","x":"İıſ","k":{"É":1,"z":"😀"}},"b":{"l":["é","É","ς","Σ"],"s":"it's {0} }} \"q\""}}"#,
    r#"{"a":{"j":"{\"k\":[1,{\"x\":null}]}","s":"[1,2,3]","t":"nonsense","e":"  "},"b":{"l":[{"x":1},{"x":2},{"Y":3}],"x":"*"}}"#,
];

const NAMES: &[&str] = &["a", "b", "A", "B"];
const MEMBERS: &[&str] = &["x", "Y", "l", "o", "s", "t", "n", "k", "e", "z", "K", "j", "big", "null", "r-f", "_1", "p"];
const NUMBERS: &[&str] = &[
    "0",
    "1",
    "2",
    "-1",
    "+1",
    "3.5",
    ".5",
    "5.",
    "-0",
    "1e3",
    "1E-3",
    "0x1F",
    "0o17",
    "1e15",
    "1e14",
    "0.1",
    "1e-5",
    "1e400",
    "0xFFFFFFFF",
    "123456789012345678",
    "-2.50",
    "00",
    "NaN",
    "Infinity",
    "-Infinity",
    "1.7976931348623157e308",
];
const STRINGS: &[&str] = &[
    "",
    "a",
    "A",
    "b",
    "hello",
    "Hello World",
    "x",
    "Y",
    "k",
    "0",
    "1",
    "-1",
    " 12 ",
    "1e3",
    "0x10",
    "0o7",
    "0b1",
    "1,000",
    "true",
    "false",
    "null",
    "NaN",
    "Infinity",
    "infinity",
    "it''s",
    "''",
    "a''b''c",
    "é",
    "É",
    "ß",
    "SS",
    "ſ",
    "ı",
    "İ",
    "ς",
    "Σ",
    "😀",
    "_",
    "[",
    "*",
    "{0}",
    "{0}-{1}",
    "{{{0}}}",
    "}}",
    "{",
    "}",
    "{0",
    "{1}",
    "{0:x}",
    "{0 }",
    "{a}",
    "{300}",
    "[1,2,3]",
    "{\"k\":1,\"K\":2}",
    "{\"x\":{\"y\":[]}}",
    "[]",
    "{}",
    "\"s\"",
    "1.50",
    "tru",
    "[1,]",
    "{\"2\":1,\"1\":2}",
    "refs/heads/main",
    "\t",
    "\n",
    "a\u{a0}",
    "Array",
    "Object",
    "\u{2028}",
    "\u{feff}1",
];
const OPERATORS: &[&str] = &["==", "!=", "<", "<=", ">", ">=", "&&", "||"];
const PIECES: &[&str] = &[
    "(",
    ")",
    "[",
    "]",
    ",",
    ".",
    "*",
    "!",
    "=",
    "==",
    "&",
    "&&",
    "|",
    "<",
    "'",
    "''",
    "\"",
    "1",
    "-",
    "a",
    "null",
    "foo",
    "foo(",
    "contains(",
    " ",
    "$",
    "0x",
    "1.2.3",
    "/",
    "+",
    "é",
    "\u{a0}",
    ".*",
    "[*]",
    "case(",
    "join()",
    "?",
];

/// Lines of the form that `wfrun eval --batch` takes.
pub(super) fn lines(count: u64, seed: u64) -> String {
    let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
    let mut text = String::new();
    for id in 0..count {
        let depth = 1 + random.below(5);
        let mut expr = expression(&mut random, depth);
        if random.one_in(6) {
            expr = broken(&mut random, &expr);
        }
        let contexts = random.of(CONTEXTS);
        let expr = json!(expr);
        writeln!(text, "{{\"id\":{id},\"expr\":{expr},\"contexts\":{contexts}}}").expect("a String takes any text");
    }
    text
}

fn expression(random: &mut Random, depth: usize) -> String {
    if depth == 0 {
        return leaf(random);
    }
    let inner = depth - 1;
    match random.below(12) {
        0..=3 => {
            let operator = random.of(OPERATORS);
            let (left, right) = (expression(random, inner), expression(random, inner));
            let space = random.of(&[" ", " ", "", "\n", "\t "]);
            let both = format!("{left}{space}{operator}{space}{right}");
            if random.one_in(3) { format!("({both})") } else { both }
        }
        4 => format!("!{}", operand(random, inner)),
        5 | 6 => path(random, inner),
        7 => format!("{}{}", operand(random, inner), step(random, inner)),
        _ => call(random, inner),
    }
}

fn operand(random: &mut Random, depth: usize) -> String {
    if random.one_in(3) { path(random, depth) } else { format!("({})", expression(random, depth)) }
}

fn leaf(random: &mut Random) -> String {
    match random.below(8) {
        0 | 1 => random.of(NUMBERS).to_owned(),
        2..=4 => format!("'{}'", random.of(STRINGS)),
        5 => random.of(&["null", "true", "false"]).to_owned(),
        _ => path(random, 0),
    }
}

fn path(random: &mut Random, depth: usize) -> String {
    let mut path = random.of(NAMES).to_owned();
    for _ in 0..random.below(4) {
        path.push_str(&step(random, depth));
    }
    path
}

fn step(random: &mut Random, depth: usize) -> String {
    match random.below(10) {
        0..=4 => format!(".{}", random.of(MEMBERS)),
        5 => ".*".to_owned(),
        6 => random
            .of(&["[*]", "[0]", "[1]", "['1']", "[-1]", "[1.9]", "[true]", "[null]", "['*']", "[* == '*']"])
            .to_owned(),
        7 => format!("['{}']", random.of(MEMBERS)),
        _ if depth > 0 => format!("[{}]", expression(random, depth - 1)),
        _ => format!(" . {}", random.of(MEMBERS)),
    }
}

fn call(random: &mut Random, depth: usize) -> String {
    let name = random.of(&[
        "contains",
        "startsWith",
        "endsWith",
        "format",
        "join",
        "toJSON",
        "fromJSON",
        "case",
        "CONTAINS",
        "success",
        "always",
        "failure",
        "cancelled",
        "tojson",
        "Format",
    ]);
    let count = match name.to_ascii_lowercase().as_str() {
        "format" => 1 + random.below(3),
        "join" => 1 + random.below(2),
        "tojson" | "fromjson" => 1,
        "case" => 3 + 2 * random.below(2),
        "success" | "failure" | "always" | "cancelled" => 0,
        _ => 2,
    };
    let mut args: Vec<String> = (0..count).map(|_| expression(random, depth.saturating_sub(1))).collect();
    let lower = name.to_ascii_lowercase();
    if let Some(first) = args.first_mut() {
        // Arguments that make sense, mostly.
        let sensible = match lower.as_str() {
            "fromjson" | "format" if !random.one_in(4) => Some(format!("'{}'", random.of(STRINGS))),
            "case" if !random.one_in(3) => Some(random.of(&["true", "false", "a == a", "1 < 2", "!a"]).to_owned()),
            "contains" | "join" if random.one_in(2) => {
                Some(random.of(&["a.*", "b.*", "a.l", "a.k", "b.l", "b.*.n"]).to_owned())
            }
            _ => None,
        };
        if let Some(sensible) = sensible {
            *first = sensible;
        }
    }
    if random.one_in(40) {
        args.push("1".to_owned());
    }
    format!("{name}({})", args.join(random.of(&[",", ", "])))
}

/// Takes out, adds or repeats a piece.
fn broken(random: &mut Random, expr: &str) -> String {
    let places: Vec<usize> = expr.char_indices().map(|(at, _)| at).chain([expr.len()]).collect();
    let at = places.get(random.below(places.len())).copied().unwrap_or_default();
    let (before, behind) = expr.split_at(at);
    match random.below(4) {
        0 => format!("{before}{}{behind}", random.of(PIECES)),
        1 => before.to_owned(),
        2 => {
            let mut rest = behind.chars();
            rest.next();
            format!("{before}{}", rest.as_str())
        }
        _ => {
            let mut rest = behind.chars();
            rest.next();
            format!("{before}{}{}", random.of(PIECES), rest.as_str())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::lines;

    #[test]
    fn a_seed_gives_the_same_expressions() {
        assert_eq!(lines(50, 7), lines(50, 7));
        assert_ne!(lines(50, 7), lines(50, 8));
        for line in lines(500, 3).lines() {
            let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
            assert!(line["expr"].is_string() && line["contexts"].is_object(), "{line}");
        }
    }
}
