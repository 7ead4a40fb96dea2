//! What holds for every text.
use proptest::prelude::*;

use crate::read;

/// Pieces that workflows are made of, so that chance gets past the first key.
const PIECES: &[&str] = &[
    "on: push\n",
    "on:\n  push:\n    branches: [main]\n",
    "jobs:\n",
    "  a:\n",
    "  b:\n",
    "    needs: a\n",
    "    needs: [b, c]\n",
    "    runs-on: x\n",
    "    if: github.ref\n",
    "    if: ${{ secrets.X }}\n",
    "    steps:\n",
    "    - run: echo\n",
    "    - uses: a/b@c\n",
    "      with: {x: 1}\n",
    "      env: {A: '${{ env.B }}'}\n",
    "      id: x\n",
    "    timeout-minutes: 5\n",
    "    strategy: {}\n",
    "env: {A: 1}\n",
    "env: [1]\n",
    "name: x\n",
    "&a ",
    "*a\n",
    "- ",
    "? ",
    ": ",
    "\t",
    "${{ ",
    " }}",
    "'",
    "\"",
    "|\n",
    "é",
    "\r\n",
];

proptest! {
    #[test]
    fn no_workflow_like_text_panics(pieces in prop::collection::vec(prop::sample::select(PIECES), 0..40)) {
        let read = read(&pieces.concat());
        for found in &read.diagnostics {
            if let Some(place) = &found.place {
                prop_assert!(place.span.start <= place.span.end);
                prop_assert!(place.span.end as usize <= place.source.text().len());
            }
        }
    }
}
