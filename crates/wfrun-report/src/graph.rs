//! Drawings of the jobs that a workflow would run, from one model: text, mermaid, dot and SVG.
mod boxes;
mod canvas;
mod channel;
mod dot;
mod lanes;
mod layers;
mod lines;
mod mermaid;
mod model;
mod reason;
mod svg;
mod text;

pub use dot::graph_dot;
pub use mermaid::graph_mermaid;
pub use svg::graph_svg;
pub use text::graph_text;
