mod admission;
mod control_plane;
mod crds;
mod deploy;
mod role;
