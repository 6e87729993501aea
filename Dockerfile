# The page in a container: plain Docker, or a Space with `sdk: docker` and `app_port: 7860`.
#
#   docker build -t lines-explorer --build-arg TORCH_INDEX=https://download.pytorch.org/whl/cpu .
#   docker run --rm -p 7860:7860 --read-only --tmpfs /tmp -v lines-cache:/cache lines-explorer
#
# TORCH_INDEX is the index that torch and torchvision come from: PyPI if it is left out, whose torch for Linux
# brings several GB of CUDA. On a Space it is a variable of the Space's settings.
ARG PYTHON=3.12
FROM python:${PYTHON}-slim-bookworm

WORKDIR /app
COPY requirements.txt constraints.txt ./
ARG TORCH_INDEX=""
RUN if [ -n "$TORCH_INDEX" ]; then \
      pip install --no-cache-dir --index-url "$TORCH_INDEX" $(grep -E '^torch(vision)?==' constraints.txt); \
    fi && \
    pip install --no-cache-dir -r requirements.txt -c constraints.txt

# The process writes to /cache and to /tmp only. /cache has results and images, and is the home of uid 1000,
# which Spaces require, for whatever a library writes there. The app's files belong to root.
RUN useradd --uid 1000 --home-dir /cache --no-create-home --shell /usr/sbin/nologin lines && \
    install --directory --owner lines --group lines /cache
COPY . .
RUN find . ! -perm -a=r -exec chmod a+rX {} + && python -m compileall -q .

ENV HOME=/cache \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    GRADIO_ANALYTICS_ENABLED=False \
    GRADIO_SSR_MODE=false
USER 1000
VOLUME ["/cache"]
EXPOSE 7860
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
    CMD ["python", "-IS", "-c", "from urllib.request import urlopen; urlopen('http://127.0.0.1:7860/health', timeout=4)"]
# In exec form, so that SIGTERM reaches Python, which then exits within 10 seconds.
CMD ["python", "app.py", "--host", "0.0.0.0", "--port", "7860", "--cache", "/cache"]
