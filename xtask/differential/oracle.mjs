// Evaluates lines {"id","expr","contexts"} with the npm package @actions/expressions and writes one line for each.
//
// Where the package is known to go other ways than GitHub's service, the answer carries the names of these ways in
// `flags`: only if such a way was really taken. xtask/src/differential/known.rs has the reasons.
import {createInterface} from "node:readline";
import {pathToFileURL} from "node:url";

// The folder that has node_modules.
const load = name => import(pathToFileURL(`${process.argv[2]}/node_modules/@actions/expressions/dist/${name}.js`));
const {Lexer, TokenType} = await load("lexer");
const {Parser} = await load("parser");
const {Evaluator} = await load("evaluator");
const {NumberData} = await load("data/number");
const {StringData} = await load("data/string");
const {Dictionary} = await load("data/dictionary");
const {BooleanData} = await load("data/boolean");
const {Null} = await load("data/null");
const {Array: ArrayData} = await load("data/array");

let flags = new Set();
// What the innermost comparison has evaluated so far.
let sides;

// .NET's "G15".
function g15(number) {
  if (Number.isNaN(number)) return "NaN";
  if (!Number.isFinite(number)) return number > 0 ? "Infinity" : "-Infinity";
  if (number === 0) return "0";
  const [mantissa, power] = Math.abs(number).toExponential(14).split("e");
  const exponent = Number(power);
  let digits = mantissa.replace(".", "").replace(/0+$/, "");
  const sign = number < 0 ? "-" : "";
  if (exponent <= -5 || exponent >= 15) {
    const rest = digits.slice(1);
    const size = String(Math.abs(exponent)).padStart(2, "0");
    return `${sign}${digits[0]}${rest ? "." + rest : ""}E${exponent < 0 ? "-" : "+"}${size}`;
  }
  if (exponent < 0) return `${sign}0.${"0".repeat(-exponent - 1)}${digits}`;
  digits = digits.padEnd(exponent + 1, "0");
  const rest = digits.slice(exponent + 1);
  return `${sign}${digits.slice(0, exponent + 1)}${rest ? "." + rest : ""}`;
}

// .NET's reading of numbers.
function parseNumber(text) {
  text = text.replace(/^\p{White_Space}+|\p{White_Space}+$/gu, "");
  if (text === "") return 0;
  if (/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text)) return Number(text);
  if (/^[+-]?infinity$/i.test(text)) return text[0] === "-" ? -Infinity : Infinity;
  const prefixed = /^0x([0-9a-f]+)$/i.exec(text) ?? /^0o([0-7]+)$/.exec(text);
  if (prefixed && text[1] !== "X") {
    const value = BigInt(text);
    return value > 0xffffffffn ? NaN : Number(BigInt.asIntN(32, value));
  }
  return NaN;
}

// Case is mapped one character at a time, within the basic plane.
function upper(text) {
  return text.replace(/[^\0-\x7f]/g, it => {
    const mapped = it.toUpperCase();
    return mapped.length === 1 && it !== "\u0131" && it !== "\u017f" ? mapped : it;
  }).replace(/[a-z]+/g, it => it.toUpperCase());
}

function watchCase(...texts) {
  for (const text of texts) {
    if (text.toUpperCase() !== upper(text) || upper(text.toLowerCase()) !== upper(text)) flags.add("case-folding");
  }
}

function patch(type, name, make) {
  type.prototype[name] = make(type.prototype[name]);
}

patch(NumberData, "coerceString", original => function () {
  const text = original.call(this);
  if (text !== g15(this.value)) flags.add("number-to-text");
  return text;
});
patch(StringData, "number", original => function () {
  const number = original.call(this);
  if (!Object.is(number + 0, parseNumber(this.value) + 0)) flags.add("text-to-number");
  return number;
});
patch(Lexer, "consumeString", original => function () {
  original.call(this);
  const token = this.tokens[this.tokens.length - 1];
  if (token.lexeme.slice(1, -1).replaceAll("''", "'") !== token.value) flags.add("doubled-quotes");
});
patch(Dictionary, "add", original => function (key, value) {
  if (key.toLowerCase() in this.indexMap) flags.add("object-keys");
  if (/^\d+$/.test(key)) flags.add("object-keys");
  watchCase(key);
  return original.call(this, key, value);
});
patch(Dictionary, "get", original => function (key) {
  const found = original.call(this, key);
  watchCase(key);
  // What every JavaScript object has is taken for a member.
  if (found === undefined && key.toLowerCase() in this.indexMap) flags.add("object-keys");
  if (found !== undefined && !(key.toLowerCase() in {...this.indexMap})) flags.add("object-keys");
  return found;
});
patch(Evaluator, "visitBinary", original => function (binary) {
  const outer = sides;
  sides = [];
  const result = original.call(this, binary);
  watchCase(...sides.map(textsOf));
  sides = outer;
  return result;
});
patch(Evaluator, "eval", original => function (node) {
  const result = original.call(this, node);
  sides?.push(result);
  return result;
});
patch(Evaluator, "visitIndexAccess", original => function (access) {
  try {
    return original.call(this, access);
  } catch (error) {
    // The index is evaluated first, and although there may be nothing to look into.
    flags.add("eager");
    throw error;
  }
});
const LAZY = new Set(["case", "contains", "startswith", "endswith", "format", "join"]);
patch(Evaluator, "visitFunctionCall", () => function (call) {
  const name = call.functionName.lexeme.toLowerCase();
  let args;
  try {
    args = call.args.map(it => this.eval(it));
  } catch (error) {
    if (LAZY.has(name)) flags.add("eager");
    throw error;
  }
  const {wellKnownFunctions} = functions;
  if (name === "tojson") watchJson(args[0]);
  if (["contains", "startswith", "endswith"].includes(name)) {
    watchCase(...args.map(textsOf));
  }
  if (name === "fromjson") watchFromJson(args[0].coerceString());
  if (name === "format" && /\{\s*\d+[^}\d]|\{\d{3,}/.test(args[0].coerceString())) flags.add("format-specifiers");
  if (name === "case" && args.length > 255) flags.add("case-arguments");
  return (this.functions?.get(name) ?? wellKnownFunctions[name]).call(...args);
});

function textsOf(data) {
  if (data instanceof StringData) return data.value;
  if (data instanceof ArrayData) return data.values().map(textsOf).join("");
  return "";
}

function watchJson(data) {
  if (data instanceof NumberData && JSON.stringify(data.value) !== g15(data.value)) flags.add("number-to-text");
  if (data instanceof StringData && /[\u0085\u2028\u2029]/.test(data.value)) flags.add("json-escapes");
  if (data instanceof ArrayData) data.values().forEach(watchJson);
  if (data instanceof Dictionary) {
    data.pairs().forEach(({key, value}) => {
      if (/^\d+$/.test(key) || key === "__proto__") flags.add("object-keys");
      if (/[\u0085\u2028\u2029]/.test(key)) flags.add("json-escapes");
      watchJson(value);
    });
  }
}

function watchFromJson(text) {
  try {
    JSON.parse(text, (key, value) => {
      if (/^\d+$/.test(key) && !Array.isArray(value)) flags.add("object-keys");
      return value;
    });
  } catch {
    flags.add("json-reader");
  }
}

function plain(data) {
  if (data === undefined || data instanceof Null) return null;
  if (data instanceof NumberData) return Number.isFinite(data.value) ? data.value + 0 : String(data.value);
  if (data instanceof BooleanData || data instanceof StringData) return data.value;
  if (data instanceof ArrayData) return data.values().map(plain);
  // Pairs, because a JavaScript object has an order of its own.
  return {pairs: data.pairs().map(({key, value}) => [key, plain(value)])};
}

function reviver(value) {
  if (value === null) return new Null();
  if (typeof value === "string") return new StringData(value);
  if (typeof value === "number") return new NumberData(value);
  if (typeof value === "boolean") return new BooleanData(value);
  if (Array.isArray(value)) return new ArrayData(...value.map(reviver));
  return new Dictionary(...Object.entries(value).map(([key, it]) => ({key, value: reviver(it)})));
}

function kind(data) {
  if (data === undefined || data instanceof Null) return "Null";
  if (data instanceof StringData) return "String";
  if (data instanceof NumberData) return "Number";
  if (data instanceof BooleanData) return "Boolean";
  return data instanceof ArrayData ? "Array" : "Object";
}

const functions = await load("funcs");
const STATUS = [
  ["success", Infinity, true],
  ["failure", Infinity, false],
  ["always", 0, true],
  ["cancelled", 0, false],
].map(([name, maxArgs, value]) => ({name, minArgs: 0, maxArgs, call: () => new BooleanData(value)}));
const STATUS_MAP = new Map(STATUS.map(it => [it.name, it]));

function answer({id, expr, contexts}) {
  flags = new Set();
  sides = undefined;
  let stage = "lexing";
  try {
    const context = reviver(contexts ?? {});
    flags.clear();
    const tokens = new Lexer(expr).lex().tokens;
    stage = "parsing";
    const tree = new Parser(tokens, Object.keys(contexts ?? {}), STATUS).parse();
    stage = "evaluation";
    const result = tree === undefined ? undefined : new Evaluator(tree, context, STATUS_MAP).evaluate();
    return {id, kind: kind(result), value: plain(result), flags: [...flags]};
  } catch (error) {
    const token = error.tok === undefined ? undefined : TokenType[error.tok.type];
    return {id, error: {kind: stage, message: error.message, token}, flags: [...flags]};
  }
}

for await (const line of createInterface({input: process.stdin, crlfDelay: Infinity})) {
  process.stdout.write(JSON.stringify(answer(JSON.parse(line))) + "\n");
}
