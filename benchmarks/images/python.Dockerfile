# Python as people pile it up for data work: seven layers, about 490 MB, 16,400 files
FROM debian
RUN apt-get update \
 && apt-get install -y --no-install-recommends python3 python3-pip python3-venv \
 && rm -rf /var/lib/apt/lists/* \
 && python3 -m venv /opt/app
ENV PATH=/opt/app/bin:$PATH PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN pip install -q numpy
RUN pip install -q pandas
RUN pip install -q flask
COPY requirements.txt /srv/
COPY app.py /srv/
CMD ["python3", "/srv/app.py"]
