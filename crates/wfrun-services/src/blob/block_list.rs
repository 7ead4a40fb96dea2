/// Reads the block ids of a `BlockList` document, in order; `None` if it is not one.
///
/// Takes what clients send: a byte-order mark, a prolog, attributes, name-space prefixes. `Committed`, `Uncommitted` and
/// `Latest` mean the same here, because a blob's blocks are kept until it is finished.
/// Differs: a block named `Committed` is found also when it was only uploaded, and the other way round.
pub(crate) fn parse(text: &str) -> Option<Vec<String>> {
    let mut rest = text.trim_start_matches('\u{feff}');
    let mut ids = Vec::new();
    let mut inside = false;
    while let Some((_, after)) = rest.split_once('<') {
        let (tag, after) = after.split_once('>')?;
        rest = after;
        match (Tag::of(tag), inside) {
            (Tag::Open("BlockList"), false) => inside = true,
            (Tag::Empty("BlockList"), false) | (Tag::Close("BlockList"), true) => return Some(ids),
            (Tag::Open(name @ ("Latest" | "Committed" | "Uncommitted")), true) => {
                let (id, after) = rest.split_once('<')?;
                let (closing, after) = after.split_once('>')?;
                if Tag::of(closing) != Tag::Close(name) {
                    return None;
                }
                ids.push(id.trim().to_owned());
                rest = after;
            }
            (Tag::Prolog, false) => {}
            (Tag::Open(_) | Tag::Close(_) | Tag::Empty(_) | Tag::Prolog, _) => return None,
        }
    }
    None
}

/// What stands between `<` and `>`, by its name without prefix and attributes.
#[derive(PartialEq)]
enum Tag<'a> {
    Open(&'a str),
    Close(&'a str),
    Empty(&'a str),
    Prolog,
}

impl<'a> Tag<'a> {
    fn of(text: &'a str) -> Self {
        let local = |text: &'a str| {
            let name = text.split_whitespace().next().unwrap_or_default();
            name.rsplit(':').next().unwrap_or(name)
        };
        if text.starts_with(['?', '!']) {
            Self::Prolog
        } else if let Some(name) = text.strip_prefix('/') {
            Self::Close(local(name))
        } else if let Some(name) = text.strip_suffix('/') {
            Self::Empty(local(name))
        } else {
            Self::Open(local(text))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn table() {
        let good = [
            ("<BlockList><Latest>QQ==</Latest><Latest>Qg==</Latest></BlockList>", vec!["QQ==", "Qg=="]),
            (
                "\u{feff}<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<BlockList>\n  <Latest>QQ==</Latest>\n</BlockList>\n",
                vec!["QQ=="],
            ),
            (
                "<BlockList xmlns=\"x\"><Committed a=\"b\">Qg==</Committed><Uncommitted>QQ==</Uncommitted></BlockList>",
                vec!["Qg==", "QQ=="],
            ),
            ("<p:BlockList xmlns:p=\"x\"><p:Latest>QQ==</p:Latest></p:BlockList>", vec!["QQ=="]),
            ("<BlockList><Latest>QQ==</Latest><Latest>QQ==</Latest></BlockList>", vec!["QQ==", "QQ=="]),
            ("<BlockList></BlockList>", vec![]),
            ("<BlockList/>", vec![]),
        ];
        for (text, ids) in good {
            assert_eq!(parse(text), Some(ids.into_iter().map(str::to_owned).collect()), "{text}");
        }
        let bad = [
            "",
            "QQ==",
            "<BlockList>",
            "<BlockList><Latest>QQ==",
            "<Latest>QQ==</Latest>",
            "<BlockList><Latest>QQ==</Committed></BlockList>",
            "<BlockList><Other>x</Other></BlockList>",
            "</BlockList>",
            "<BlockList",
        ];
        for text in bad {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
