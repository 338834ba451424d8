use super::estates::all;
use super::*;

#[test]
fn dump() {
    for (name, sketch) in all() {
        let drawing = sketch.draw();
        let dir = "/tmp/graph-scratch/out";
        std::fs::create_dir_all(dir).unwrap();
        std::fs::write(format!("{dir}/{name}.txt"), format!("{drawing:#?}")).unwrap();
        std::fs::write(format!("{dir}/{name}.svg"), svg(&drawing)).unwrap();
        std::fs::write(format!("{dir}/{name}.mmd"), mermaid(&drawing)).unwrap();
        std::fs::write(format!("{dir}/{name}.dot"), dot(&drawing)).unwrap();
    }
}
