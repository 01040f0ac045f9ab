//! Turns `src/filter.lalrpop` into a parser; nothing generated is committed.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    lalrpop::process_src()
}
