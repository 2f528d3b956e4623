locals {
  image   = "ghcr.io/acme/api:1.0"  // imagebot: api
  version = "1.0"                   # {"$imagepolicy": "flux-system:api:tag"}
  images  = ["acme/a:1", "acme/b:1"]
}
