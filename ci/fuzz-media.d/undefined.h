#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C"
#endif
/* What is written to $UNDEFINED if undefined behaviour is seen, until it is called again. */
void current_input(const uint8_t *data, size_t size);
