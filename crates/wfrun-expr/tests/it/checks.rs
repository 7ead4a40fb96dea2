//! What must hold for every text; the fuzz targets run the same.

use serde_json::json;
use wfrun_expr::{Availability, Condition, EvalError, Template, evaluate, parse};

use crate::world::World;

pub(crate) const ALL: Availability =
    Availability { contexts: &["a", "b", "c", "d", "github"], functions: crate::world::FUNCTIONS };

/// Parses; what is printed must be the same expression, and an error must point into the text.
pub(crate) fn parsed(text: &str) {
    match parse(text, &ALL) {
        Ok(expr) => {
            let printed = expr.to_string();
            // Blanks around operators may make it longer than GitHub reads.
            if printed.encode_utf16().count() <= 21_000 {
                assert_eq!(parse(&printed, &ALL).expect("what is printed can be parsed"), expr);
            }
        }
        Err(error) => {
            let range = error.range.start as usize..error.range.end as usize;
            assert_eq!(text.get(range).map(str::is_empty), Some(text.is_empty()), "{text:?}: {error:?}");
        }
    }
    drop(Template::parse(text, &ALL));
    drop(Template::parse(&format!("x ${{{{ {text} }}}} y"), &ALL));
    drop(Condition::parse(Some(text), &ALL));
}

/// Evaluates the text as all that it may be: it has a value within the limits, or an error with a message.
pub(crate) fn evaluated(text: &str) {
    let data = json!({
        "a": {"x": [1, {"x": null}], "text": text}, "b": [[1, 2], {"k": "v"}], "c": text,
        "github": {"x": "y", "list": ["a", "B", null, 1.5]},
    });
    let world = World::new(&data);
    if let Ok(expr) = parse(text, &ALL) {
        match evaluate(&expr, &world) {
            Ok(trace) => {
                assert!(!trace.because().is_empty() || trace.operands.is_empty());
                assert!(trace.value().as_str().is_none_or(|it| it.encode_utf16().count() <= 1_048_576 / 2));
                let parts = trace.walk().all(|it| text.len() < it.range.end as usize || !it.text.is_empty());
                assert!(parts, "every part has a text");
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
    for template in [Template::parse(text, &ALL), Template::parse(&format!("x ${{{{ {text} }}}} y"), &ALL)] {
        drop(template.map(|it| it.evaluate(&world)));
    }
    drop(Condition::parse(Some(text), &ALL).map(|it| it.evaluate(&world)));
    for call in ["fromJSON(c)", "format(c, 1, 2)", "toJSON(fromJSON(c))", "join(fromJSON(c), c)", "contains(c, a.text)"]
    {
        let expr = parse(call, &ALL).expect("it is well-formed");
        match evaluate(&expr, &world) {
            Ok(_) => {}
            Err(EvalError::Json { message }) => assert!(message.contains("Path '"), "{message}"),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
}
