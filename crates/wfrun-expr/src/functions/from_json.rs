//! `fromJSON`: a reader as lenient as GitHub's.
//!
//! It takes comments, single quotes, names without quotes, trailing commas and text behind the value.
//! Source: GitHub: planning rules P3.10 (`JToken.ReadFrom` over `JsonTextReader` of Newtonsoft.Json 13).

mod cursor;
mod scalar;

use cursor::{Cursor, Step};
use indexmap::IndexMap;

use crate::{Array, Object, Value};

/// Most levels of collections.
///
/// Source: GitHub: `JsonReader.MaxDepth` of Newtonsoft.Json 13.
const MAX_DEPTH: usize = 64;

/// Reads the first JSON value of a text; the error is the message GitHub prints.
///
/// Differs: `new Name(…)`, which Newtonsoft reads as a constructor, is an error.
pub(super) fn read(text: &str) -> Result<Value, String> {
    let mut reader = Reader { cursor: Cursor::new(text) };
    reader.cursor.skip_space();
    if reader.cursor.peek() == Some('/') {
        // A comment before the value is taken for the value.
        return reader.comment().map(Value::from);
    }
    match reader.element(None)? {
        Element::Value(value) => Ok(value),
        Element::End | Element::Nothing => Err(reader.cursor.error("Error reading JToken from JsonReader.")),
    }
}

struct Reader<'t> {
    cursor: Cursor<'t>,
}

/// What stands where a value may stand.
enum Element {
    Value(Value),
    /// A closing bracket, which is read.
    End,
    /// The end of the text.
    Nothing,
}

impl Reader<'_> {
    /// Reads a value; `inside` is the bracket that closes the collection around it.
    fn element(&mut self, inside: Option<char>) -> Result<Element, String> {
        self.skip_space_and_comments()?;
        let Some(first) = self.cursor.peek() else { return Ok(Element::Nothing) };
        let value = match first {
            '{' => return self.object().map(Element::Value),
            '[' => return self.array().map(Element::Value),
            ']' | ')' => {
                self.cursor.bump();
                return if inside == Some(first) { Ok(Element::End) } else { Err(self.not_closing(first, inside)) };
            }
            // A missing item; the comma is read as the one behind it.
            ',' => Ok(Value::from("")),
            _ => self.scalar(first),
        }?;
        self.cursor.finish_value();
        Ok(Element::Value(value))
    }

    fn not_closing(&self, closing: char, inside: Option<char>) -> String {
        let token = match closing {
            ']' => "EndArray",
            '}' => "EndObject",
            _ => "EndConstructor",
        };
        let kind = match inside {
            Some(']') => "Array",
            Some(_) => "Object",
            None => "None",
        };
        self.cursor.outer().error(&format!("JsonToken {token} is not valid for closing JsonType {kind}."))
    }

    fn array(&mut self) -> Result<Value, String> {
        self.open(Step::Item(None))?;
        let mut items = Vec::new();
        loop {
            match self.element(Some(']'))? {
                Element::Value(value) => items.push(value),
                Element::End => break,
                Element::Nothing => return Err(self.unfinished()),
            }
            if !self.goes_on(']')? {
                break;
            }
        }
        self.cursor.close();
        Ok(Value::Array(Array::new(items)))
    }

    fn object(&mut self) -> Result<Value, String> {
        self.open(Step::Member(None))?;
        // Of members with the very same name the last value stays, at the place of the first.
        let mut members: IndexMap<String, Value> = IndexMap::new();
        loop {
            self.skip_space_and_comments()?;
            match self.cursor.peek() {
                None => return Err(self.unfinished()),
                Some('}') => {
                    self.cursor.bump();
                    break;
                }
                Some(first) => {
                    let name = self.name(first)?;
                    self.cursor.set_name(&name);
                    match self.element(Some('}'))? {
                        Element::Value(value) => {
                            members.insert(name, value);
                        }
                        Element::End | Element::Nothing => return Err(self.unfinished()),
                    }
                }
            }
            if !self.goes_on('}')? {
                break;
            }
        }
        self.cursor.close();
        Ok(Value::Object(members.into_iter().collect::<Object>()))
    }

    fn open(&mut self, step: Step) -> Result<(), String> {
        self.cursor.bump();
        self.cursor.open(step);
        if self.cursor.depth() > MAX_DEPTH {
            return Err(self.cursor.error(&format!("The reader's MaxDepth of {MAX_DEPTH} has been exceeded.")));
        }
        Ok(())
    }

    /// The text ends inside of the outermost collection.
    fn unfinished(&self) -> String {
        let kind = if self.cursor.is_in_array() { "JArray" } else { "JObject" };
        if self.cursor.is_fresh() && self.cursor.depth() == 1 {
            return self.cursor.error(&format!("Error reading {kind} from JsonReader."));
        }
        self.cursor.error(&format!("Unexpected end of content while loading {kind}."))
    }

    /// Reads what follows an item: `,` (more may come), or the closing bracket.
    fn goes_on(&mut self, closing: char) -> Result<bool, String> {
        self.skip_space_and_comments()?;
        match self.cursor.peek() {
            None => Err(self.unfinished()),
            Some(',') => {
                self.cursor.bump();
                Ok(true)
            }
            Some(found @ (']' | '}' | ')')) => {
                self.cursor.bump();
                if found == closing { Ok(false) } else { Err(self.not_closing(found, Some(closing))) }
            }
            Some(found) => {
                let what = format!("After parsing a value an unexpected character was encountered: {found}.");
                Err(self.cursor.error(&what))
            }
        }
    }

    fn skip_space_and_comments(&mut self) -> Result<(), String> {
        loop {
            self.cursor.skip_space();
            if self.cursor.peek() != Some('/') {
                return Ok(());
            }
            self.comment()?;
        }
    }

    /// Reads a comment and returns what stands in it.
    fn comment(&mut self) -> Result<String, String> {
        self.cursor.bump();
        let end = "Unexpected end while parsing comment.";
        match self.cursor.peek() {
            Some('*') => {
                self.cursor.bump();
                let rest = self.cursor.rest();
                let Some((inside, _)) = rest.split_once("*/") else {
                    self.cursor.skip(rest.len());
                    return Err(self.cursor.error(end));
                };
                self.cursor.skip(inside.len() + 2);
                Ok(inside.to_owned())
            }
            Some('/') => {
                self.cursor.bump();
                let rest = self.cursor.rest();
                let inside = rest.split(['\n', '\r']).next().unwrap_or_default();
                self.cursor.skip(inside.len());
                Ok(inside.to_owned())
            }
            Some(found) => Err(self.cursor.error(&format!("Error parsing comment. Expected: *, got {found}."))),
            None => Err(self.cursor.error(end)),
        }
    }
}
