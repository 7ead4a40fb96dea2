//! Reads drawings back: whoever follows the lines finds the needs, and nothing else.
use std::collections::BTreeSet;

use proptest::prelude::*;
use wfrun_report::{Style, graph_text};

use crate::graph::look;

type Edges = BTreeSet<(char, char)>;

/// Jobs `a`, `b`, … where each needs some of those before it.
fn workflow(needs: &[u8], name: &str) -> String {
    let job = |(at, mask): (usize, &u8)| {
        let needed = (0..at).filter(|it| mask & (1 << it) != 0).map(|it| format!("{}{name}", letter(it)));
        let needed = needed.collect::<Vec<_>>().join(", ");
        format!("  {}{name}: {{needs: [{needed}], runs-on: x, steps: [{{run: x}}]}}\n", letter(at))
    };
    format!("on: push\njobs:\n{}", needs.iter().enumerate().map(job).collect::<Vec<_>>().concat())
}

fn letter(at: usize) -> char {
    char::from(b'a' + u8::try_from(at).expect("few jobs"))
}

/// The needs without those that other needs have before them.
fn expected(needs: &[u8]) -> Edges {
    let mut before: Vec<u8> = Vec::new();
    let mut edges = Edges::new();
    for (at, mask) in needs.iter().enumerate() {
        let own: Vec<usize> = (0..at).filter(|it| mask & (1 << it) != 0).collect();
        let implied = own.iter().fold(0, |all, it| all | before[*it]);
        edges.extend(own.iter().filter(|it| implied & (1 << **it) == 0).map(|it| (letter(*it), letter(at))));
        before.push(own.iter().fold(implied, |all, it| all | (1 << it)));
    }
    edges
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Way {
    Right,
    Up,
    Down,
}

/// Follows the lines from every box, never back to the left.
fn read_boxes(drawn: &str) -> Edges {
    let grid: Vec<Vec<char>> = drawn.lines().map(|it| it.chars().collect()).collect();
    let mut edges = Edges::new();
    for (y, row) in grid.iter().enumerate() {
        for x in 0..row.len() {
            if row[x] != '●' {
                continue;
            }
            let border = (x..row.len()).find(|it| matches!(row[*it], '├' | '│')).expect("a border");
            if row[border] == '├' {
                edges.extend(follow(&grid, (border + 1, y)).into_iter().map(|it| (row[x + 2], it)));
            }
        }
    }
    edges
}

/// Where a line goes on from a sign.
fn ways(way: Way, sign: char) -> Vec<Way> {
    let sides = match sign {
        '─' => "lr",
        '│' => "ud",
        '├' => "udr",
        '┤' => "udl",
        '┼' => "udlr",
        '┴' => "ulr",
        '┬' => "dlr",
        '╭' => "dr",
        '╮' => "dl",
        '╰' => "ur",
        '╯' => "ul",
        _ => panic!("{way:?} into {sign:?}"),
    };
    let from = match way {
        Way::Right => 'l',
        Way::Up => 'd',
        Way::Down => 'u',
    };
    if way == Way::Right && sign == '│' {
        // An upright line is passed under.
        return vec![Way::Right];
    }
    assert!(sides.contains(from), "{way:?} into {sign:?}");
    // Where only another job's line comes in, it ends.
    let all = [('r', Way::Right), ('u', Way::Up), ('d', Way::Down)].into_iter();
    all.filter(|(side, _)| *side != from && sides.contains(*side)).map(|(_, way)| way).collect()
}

/// The jobs to which a line leads that begins to the right.
fn follow(grid: &[Vec<char>], (x, y): (usize, usize)) -> Vec<char> {
    let mut found = Vec::new();
    let mut seen = BTreeSet::new();
    let mut todo = vec![(x, y, Way::Right)];
    while let Some((x, y, way)) = todo.pop() {
        if !seen.insert((x, y, way)) {
            continue;
        }
        if grid[y][x] == '▶' {
            found.push(grid[y][x + 5]);
            continue;
        }
        for next in ways(way, grid[y][x]) {
            todo.push(match next {
                Way::Right => (x + 1, y, next),
                Way::Up => (x, y - 1, next),
                Way::Down => (x, y + 1, next),
            });
        }
    }
    found
}

/// Takes each row of connectors for the job below it.
fn read_lanes(drawn: &str) -> Edges {
    let mut owners: Vec<Option<char>> = vec![None; 16];
    let mut needed: Vec<char> = Vec::new();
    let mut edges = Edges::new();
    let rows: Vec<Vec<char>> = drawn.lines().map(|it| it.chars().collect()).collect();
    for (at, row) in rows.iter().enumerate() {
        if let Some(lane) = row.iter().position(|it| *it == '●') {
            let job = *row.iter().find(|it| it.is_ascii_alphabetic()).expect("a name");
            edges.extend(needed.drain(..).map(|it| (it, job)));
            owners[lane / 2] = Some(job);
            continue;
        }
        let Some(own) = rows.get(at + 1).and_then(|it| it.iter().position(|it| *it == '●')) else { continue };
        for (lane, sign) in row.iter().enumerate().step_by(2) {
            let joins = matches!(sign, '├' | '┤' | '┼' | '┴' | '╯' | '╰') || (*sign == '│' && lane == own);
            needed.extend(owners[lane / 2].filter(|_| joins));
        }
    }
    edges
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn lines_lead_where_they_should(needs in prop::collection::vec(any::<u8>(), 2..8), sparse in any::<u8>()) {
        let needs: Vec<u8> = needs.iter().map(|it| it & sparse.rotate_left(u32::from(*it) % 8)).collect();
        let boxes = graph_text(&look(&workflow(&needs, ""), ""), &Style { unicode: true, ..Style::plain(300) });
        if boxes.contains('╭') && boxes.contains("│ ●") && boxes.contains("╰─────╯") {
            prop_assert_eq!(read_boxes(&boxes), expected(&needs), "\n{}", boxes);
        } else {
            prop_assert_eq!(read_lanes(&boxes), expected(&needs), "\n{}", boxes);
        }
        // Too narrow for a box.
        let long = look(&workflow(&needs, "-which-has-a-long-name"), "");
        let lanes = graph_text(&long, &Style { unicode: true, ..Style::plain(28) });
        prop_assert_eq!(read_lanes(&lanes), expected(&needs), "\n{}", lanes);
    }
}
