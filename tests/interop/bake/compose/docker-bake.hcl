target "web" { args = { C = "3" } }
