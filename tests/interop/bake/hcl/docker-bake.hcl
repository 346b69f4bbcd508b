// comment
# another
/* block
 comment */
variable "TAG" { default = "latest" }
variable "DEBUG" { default = false }
variable "N" {
  default = 3
  validation {
    condition = N > 1
    error_message = "N must be more than one"
  }
}
variable "LIST" {
  type = list(string)
  default = ["x", "y"]
}
variable "REGISTRY" {
  default = "reg.example/${TAG}"
}
base = "debian"
function "increment" {
  params = [number]
  result = number + 1
}
function "tags" {
  params = [name]
  variadic_params = rest
  result = [for t in concat([name], rest): "${REGISTRY}:${t}"]
}
group "default" {
  targets = ["app", "more"]
}
group "more" { targets = ["db", "matrix"] }
target "_common" {
  args = {
    BASE = base
    VERSION = "1.${increment(N)}"
    DEBUG = DEBUG ? "yes" : null
    NUM = N
  }
  labels = { "org.opencontainers.image.title" = upper(TAG), other: "x" }
  platforms = ["linux/amd64", BAKE_LOCAL_PLATFORM]
  cache-from = ["user/app:cache", "type=local,src=./cache"]
  cache-to = ["type=registry,ref=user/app:cache,mode=max"]
}
target "app" {
  inherits = ["_common"]
  context = "./app"
  dockerfile = "Dockerfile.${TAG}"
  tags = tags("one", "two")
  target = "final"
  args = { EXTRA = <<EOT
hello ${TAG}
  indented
EOT
  }
  secret = ["id=tok,env=TOKEN", { type = "file", id = "x", src = "./x" }]
  ssh = ["default"]
  output = ["type=image,name=foo,push=true", "./out"]
  no-cache = true
  attest = ["type=provenance,mode=max", "type=sbom"]
  annotations = ["index:foo=bar"]
  cache-from = [{ type = "gha", scope = "x" }]
}
target "db" {
  description = "d ${"$"}{x}"
  inherits = ["app"]
  contexts = { base = "target:app", alpine = "docker-image://alpine" }
  args = { EXTRA = null, BASE = target._common.args.VERSION }
  dockerfile-inline = <<-EOT
    FROM scratch
      COPY . /  $${z} %%{y}
    %{ for x in LIST ~}
    RUN ${x}
    %{ endfor ~}
  EOT
  pull = true
  network = "host"
  labels = { l = "$${x}" }
 tags = ["t:${TAG}"] 
 target = "%%{t"
  shm-size = "128m"
  ulimits = ["nofile=1024:1024"]
  extra-hosts = { h = "1.2.3.4" }
  entitlements = ["network.host"]
  no-cache-filter = ["a"]
}
target "matrix" {
  name = "m-${tgt}-${replace(v, ".", "-")}"
  matrix = {
    tgt = ["a", "b"]
    v = ["1.0", "2.0"]
  }
  target = tgt
  args = { V = v, J = jsonencode({a=[1,2], b=true}), S = join(",", [for k, w in {q=1,p=2}: "${k}=${w}"]), L = length(LIST), M = LIST[1] , X="$${not} %%{x} \"q\" \u00e9", Q = 7 / 2 , R = 7 % 4, T = "${1 + 2 * 3}", U = !DEBUG && N == 3 }
}
