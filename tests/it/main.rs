mod admission;
mod control_plane;
mod crds;
mod proxy;
