mod admission;
mod control_plane;
mod crds;
mod lifecycle;
mod operation;
mod patterns;
mod world;
