//! The text as GitHub's scanner looks at it, which takes two things that YAML does not.

use granit_parser::input::{SkipTabs, WhitespaceResult, is_flow};
use granit_parser::{BorrowedInput, ErrorKind, Input, StrInput};

/// A text in which a comment needs no blank before it, and a `-` before a bracket or comma is text.
///
/// `[one]# two` is a sequence and a comment, and `[-, a]` a sequence of two texts.
/// Source: GitHub: `Scanner` of YamlDotNet.Signed 6.0.0 (`ScanToNextToken`, `ProcessComment`, `FetchNextToken`).
pub(crate) struct LikeGitHub<'a>(StrInput<'a>);

impl<'a> LikeGitHub<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self(StrInput::new(text))
    }
}

/// What is as in the text itself; each is there because `StrInput` has it faster than the trait.
macro_rules! as_it_is {
    ($($name:ident(&self $(, $arg:ident: $of:ty)*) -> $result:ty;)*) => {
        $(fn $name(&self $(, $arg: $of)*) -> $result { self.0.$name($($arg),*) })*
    };
    ($($name:ident(&mut self $(, $arg:ident: $of:ty)*) -> $result:ty;)*) => {
        $(fn $name(&mut self $(, $arg: $of)*) -> $result { self.0.$name($($arg),*) })*
    };
}

impl Input for LikeGitHub<'_> {
    /// The scanner refuses a `-` with a bracket or comma behind it; with any other character there it is text.
    fn peek_nth(&self, n: usize) -> char {
        let found = self.0.peek_nth(n);
        if n == 1 && is_flow(found) && self.0.peek() == '-' { 'x' } else { found }
    }

    /// The scanner asks whether there was a blank only where a comment comes next, and refuses one without.
    fn skip_ws_to_eol_blanks(&mut self, skip_tabs: SkipTabs) -> (usize, WhitespaceResult) {
        let (taken, blanks) = self.0.skip_ws_to_eol_blanks(skip_tabs);
        (taken, WhitespaceResult::new(blanks.found_tabs(), blanks.has_valid_yaml_ws() || self.0.peek() == '#'))
    }

    as_it_is! {
        buflen(&self) -> usize;
        bufmaxlen(&self) -> usize;
        peek(&self) -> char;
        byte_offset(&self) -> Option<usize>;
        slice_bytes(&self, start: usize, end: usize) -> Option<&str>;
        next_2_are(&self, first: char, second: char) -> bool;
        next_3_are(&self, first: char, second: char, third: char) -> bool;
        next_is_document_indicator(&self) -> bool;
        next_is_document_start(&self) -> bool;
        next_is_document_end(&self) -> bool;
        next_is_blank_or_break(&self) -> bool;
        next_is_blank_or_breakz(&self) -> bool;
        next_is_blank(&self) -> bool;
        next_is_break(&self) -> bool;
        next_is_breakz(&self) -> bool;
        next_is_z(&self) -> bool;
        next_is_flow(&self) -> bool;
        next_is_digit(&self) -> bool;
        next_is_alpha(&self) -> bool;
    }

    as_it_is! {
        lookahead(&mut self, count: usize) -> ();
        raw_read_ch(&mut self) -> char;
        raw_read_non_breakz_ch(&mut self) -> Option<char>;
        skip(&mut self) -> ();
        skip_n(&mut self, count: usize) -> ();
        skip_ws_to_eol(&mut self, skip_tabs: SkipTabs) -> (usize, Result<WhitespaceResult, ErrorKind>);
        skip_while_non_breakz(&mut self) -> usize;
        skip_while_blank(&mut self) -> usize;
        fetch_while_is_alpha(&mut self, out: &mut String) -> usize;
        fetch_while_is_yaml_non_space(&mut self, out: &mut String) -> usize;
        fetch_block_scalar_line(&mut self, out: &mut String) -> usize;
        take_quoted_scalar_ascii_chunk(&mut self, single: bool) -> &str;
        take_quoted_scalar_chunk(&mut self, single: bool) -> (&str, usize);
        fetch_plain_scalar_chunk(&mut self, out: &mut String, count: usize, in_flow: bool) -> (bool, usize);
        skip_plain_scalar_chunk(&mut self, count: usize, in_flow: bool) -> (bool, usize);
    }
}

impl<'a> BorrowedInput<'a> for LikeGitHub<'a> {
    fn slice_borrowed(&self, start: usize, end: usize) -> Option<&'a str> {
        self.0.slice_borrowed(start, end)
    }
}
