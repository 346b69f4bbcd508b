"""python -m capas."""

from capas.cli.main import main

if __name__ == "__main__":
    main()
