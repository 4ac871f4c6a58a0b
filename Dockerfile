FROM python:3.13-slim AS build
WORKDIR /src
COPY requirements.lock pyproject.toml README.md LICENSE NOTICE ./
COPY moderation ./moderation
COPY worker ./worker
COPY templates ./templates
RUN python -m venv /opt/hausordnung \
    && /opt/hausordnung/bin/pip install --no-cache-dir --constraint requirements.lock '.[traces,sentry]'

FROM build AS build-worker
# Builds of torch for processors alone: those for graphics cards take gigabytes more.
ARG TORCH_INDEX=https://download.pytorch.org/whl/cpu
RUN /opt/hausordnung/bin/pip install --no-cache-dir --constraint requirements.lock --extra-index-url "$TORCH_INDEX" '.[detoxify]'

FROM python:3.13-slim AS base
RUN useradd --system --uid 10001 --home-dir /var/lib/hausordnung --create-home hausordnung
ENV PATH=/opt/hausordnung/bin:$PATH PYTHONUNBUFFERED=1 MODERATION_HOME=/var/lib/hausordnung
USER hausordnung
WORKDIR /var/lib/hausordnung

FROM base AS worker
COPY --from=build-worker /opt/hausordnung /opt/hausordnung
CMD ["celery", "--app", "worker", "worker", "--queues", "score", "--pool", "solo"]

FROM base AS web
COPY --from=build /opt/hausordnung /opt/hausordnung
EXPOSE 8000
CMD ["gunicorn", "moderation:create_app()", "--bind", "0.0.0.0:8000", "--workers", "2", "--config", "python:moderation.serving"]
