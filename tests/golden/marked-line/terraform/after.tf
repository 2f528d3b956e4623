locals {
  image   = "ghcr.io/acme/api:1.1"  // imagebot: api
  version = "1.10"                   # {"$imagepolicy": "flux-system:api:tag"}
  images  = ["acme/a:1", "acme/b:1"]
}
