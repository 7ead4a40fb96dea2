use std::time::Instant;
use wfrun_syntax::Source;
fn main() {
    let path = std::env::args().nth(1).unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    for _ in 0..5 {
        let t = Instant::now();
        let source = Source::new("w.yml", text.clone());
        let a = t.elapsed();
        let t = Instant::now();
        let node = wfrun_syntax::parse(&source);
        let b = t.elapsed();
        println!("source {a:?} yaml {b:?} {}", node.diagnostics.len());
        let t = Instant::now();
        let w = wfrun_workflow::read_workflow(&source, Default::default());
        println!("all {:?} {} jobs {} findings", t.elapsed(), w.value.jobs.len(), w.diagnostics.len());
        for d in w.diagnostics.iter().take(3) {
            println!("{d}");
        }
    }
}
